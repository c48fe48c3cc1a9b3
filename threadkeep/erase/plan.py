"""What goes when something is forgotten; made before anything is changed, and shown to a person."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["user", "thread", "message", "fact", "entity"]
SHOWN = 72


@dataclass(frozen=True, kw_only=True)
class Target:
    """What somebody wants to be forgotten."""

    kind: Kind | Literal["memory"]
    """`memory` is whichever message, fact or entity has the id."""
    name: str = ""
    """Of a thread its name, else an id or the beginning of one; of a user nothing."""
    keep_tokens: bool = False
    """Of a user: the tokens for a server stay; whoever answers there takes them away at last."""
    keep_messages: bool = False
    """Of a fact: the messages that taught it stay, and it is not learned from them again."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """A message that goes."""

    id: str
    role: str
    text: str
    time: str
    thread: str
    """The thread's id."""
    older: tuple[str, ...] = ()
    """What it said before it was corrected."""
    position: int = 0
    left: bool = False
    """Whether it lies on a branch that was left."""
    why: Literal["named", "taught it", "answers it", "repeats it"] = "named"

    @property
    def line(self) -> str:
        """What a person is shown of it."""
        text = " ".join(self.text.split())
        short = text if len(text) <= SHOWN else f"{text[: SHOWN - 3]}..."
        return f"{self.role}: {short} ({self.why})"


@dataclass(kw_only=True)
class Plan:
    """All that goes."""

    user: str
    owner: str
    kind: Kind
    names: dict[str, str] = field(default_factory=dict)
    """Names of threads by id, of those that are forgotten or changed."""
    threads: list[str] = field(default_factory=list)
    """Ids of the threads that go as a whole."""
    said: list[Said] = field(default_factory=list)
    """Messages that go from threads which stay."""
    known: dict[str, str] = field(default_factory=dict)
    """Texts of the facts and entities that are meant, by key."""
    touched: list[str] = field(default_factory=list)
    """Ids of the threads that stay and are changed."""
    texts: list[str] = field(default_factory=list)
    """All words that go, as evidence."""
    suppress: bool = False
    """The facts are never to be learned again; the messages stay."""
    counts: dict[str, int] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    """Ids of the tokens by which a server knows the user."""

    @property
    def messages(self) -> set[str]:
        """The ids of the messages that go from threads which stay."""
        return {each.id for each in self.said}

    @property
    def intent(self) -> dict[str, Any]:
        """What is written down before anything is changed: ids alone, no content."""
        return {
            "owner": self.owner,
            "kind": self.kind,
            "threads": self.threads,
            "touched": self.touched,
            "messages": sorted(self.messages),
            "known": sorted(self.known),
            "suppress": self.suppress,
            "tokens": self.tokens,
        }

    @classmethod
    def of(cls, intent: dict[str, Any]) -> "Plan":
        """Return what is left of a plan when its process died: ids alone."""
        told = [Said(id=each, role="", text="", time="", thread="") for each in intent["messages"]]
        return cls(
            user="",
            owner=intent["owner"],
            kind=intent["kind"],
            threads=list(intent["threads"]),
            touched=list(intent["touched"]),
            said=told,
            known=dict.fromkeys(intent["known"], ""),
            suppress=bool(intent["suppress"]),
            tokens=list(intent["tokens"]),
        )

    def lines(self, most: int = 12) -> list[str]:
        """Return what a person is asked about, at most so many lines."""
        told = list(self._lines())
        return (
            told if len(told) <= most else [*told[: most - 1], f"and {len(told) - most + 1} more"]
        )

    def _lines(self) -> Iterable[str]:
        if self.kind == "user":
            yield f"everything that is kept of {self.user!r}: " + ", ".join(
                f"{number:,} {label}" for label, number in self.counts.items() if number
            )
            return
        for key, text in self.known.items():
            yield f"{self.kind} {key[:8]}: {text or '(no text)'}"
        for thread in self.threads:
            yield f"thread {self.names.get(thread, thread)!r} with all that was said in it"
        for each in self.said:
            yield f"{each.line} in {self.names.get(each.thread, each.thread)!r}"
