"""The plan of an erasure: made before anything changes, and shown to a person."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["user", "thread", "message", "fact", "entity"]
Reason = Literal["named", "taught it", "answers it", "repeats it"]
EXCERPT = 72
"""Characters of a message that a person is shown."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """What a user wants to erase."""

    kind: Kind | Literal["memory"]
    """`memory` is the message, fact or entity with the id."""
    name: str = ""
    """A thread's name, else an id or its beginning; empty for a user."""
    keep_tokens: bool = False
    """Of a user: do not revoke the server's access tokens; the caller revokes them last."""
    keep_messages: bool = False
    """Of a fact: keep the messages that state it, and never learn it from them again."""


@dataclass(frozen=True, kw_only=True)
class PlannedMessage:
    """A message to erase."""

    id: str
    role: str
    text: str
    thread: str
    """The thread's id."""
    older_texts: tuple[str, ...] = ()
    """Its texts before corrections."""
    position: int = 0
    is_abandoned: bool = False
    """Whether it is on an abandoned branch."""
    reason: Reason = "named"
    import_marks: tuple[str, ...] = ()
    """Tombstones by which an import recognises it."""

    @property
    def line(self) -> str:
        """The message in one line, for a person."""
        text = " ".join(self.text.split())
        excerpt = text if len(text) <= EXCERPT else f"{text[: EXCERPT - 3]}..."
        return f"{self.role}: {excerpt} ({self.reason})"


@dataclass(kw_only=True)
class ErasurePlan:
    """All that an erasure removes."""

    user: str
    owner: str
    kind: Kind
    names: dict[str, str] = field(default_factory=dict)
    """Names of the user's threads by id."""
    threads: list[str] = field(default_factory=list)
    """Ids of threads that are erased completely."""
    changed_threads: list[str] = field(default_factory=list)
    """Ids of threads that lose some messages."""
    messages: list[PlannedMessage] = field(default_factory=list)
    """Messages that are erased from the changed threads."""
    knowledge: dict[str, str] = field(default_factory=dict)
    """Texts of the targeted facts and entities, by key."""
    texts: list[str] = field(default_factory=list)
    """All texts that are erased, to search for afterwards."""
    import_marks: list[str] = field(default_factory=list)
    """Tombstones by which an import recognises what is erased."""
    suppress: bool = False
    """Whether the facts are suppressed while their messages stay."""
    counts: dict[str, int] = field(default_factory=dict)
    tokens: list[str] = field(default_factory=list)
    """Ids of the user's access tokens."""

    @property
    def message_ids(self) -> set[str]:
        """The ids of the messages that are erased from the changed threads."""
        return {message.id for message in self.messages}

    def name_of(self, thread: str) -> str:
        """Return the name of a thread, or its id."""
        return self.names.get(thread, thread)

    @property
    def intent(self) -> dict[str, Any]:
        """The record that is stored before anything changes: ids, no content."""
        return {
            "owner": self.owner,
            "kind": self.kind,
            "threads": self.threads,
            "touched": self.changed_threads,
            "messages": sorted(self.message_ids),
            "known": sorted(self.knowledge),
            "import_marks": self.import_marks,
            "suppress": self.suppress,
            "tokens": self.tokens,
        }

    @classmethod
    def from_intent(cls, intent: dict[str, Any]) -> "ErasurePlan":
        """Return the plan of an interrupted erasure, without content."""
        return cls(
            user="",
            owner=intent["owner"],
            kind=intent["kind"],
            threads=list(intent["threads"]),
            changed_threads=list(intent["touched"]),
            messages=[
                PlannedMessage(id=key, role="", text="", thread="") for key in intent["messages"]
            ],
            knowledge=dict.fromkeys(intent["known"], ""),
            import_marks=list(intent.get("import_marks") or ()),
            suppress=bool(intent["suppress"]),
            tokens=list(intent["tokens"]),
        )

    def lines(self, limit: int = 12) -> list[str]:
        """Return the plan in at most `limit` lines, for a person to confirm."""
        lines = list(self._lines())
        if len(lines) <= limit:
            return lines
        return [*lines[: limit - 1], f"and {len(lines) - limit + 1} more"]

    def _lines(self) -> Iterator[str]:
        if self.kind == "user":
            yield f"everything that is kept of {self.user!r}: " + ", ".join(
                f"{number:,} {label}" for label, number in self.counts.items() if number
            )
            return
        for key, text in self.knowledge.items():
            yield f"{self.kind} {key[:8]}: {text or '(no text)'}"
        for thread in self.threads:
            yield f"thread {self.name_of(thread)!r} with all that was said in it"
        for message in self.messages:
            yield f"{message.line} in {self.name_of(message.thread)!r}"
