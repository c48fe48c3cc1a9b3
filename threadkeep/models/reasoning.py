"""Split a reply, as it streams, into answer and reasoning that its text encloses in tags.

A tag inside a code span or a fence is text. What stands before a closing tag that nothing opened is
reasoning: some chat templates open the block in the prompt. A block that begins a line and is never
closed is reasoning to the end; a tag in the middle of a line that is never closed is text.
"""

import re
from collections.abc import Iterable
from typing import Literal

from threadkeep.base.validation import join_surrogates

Kind = Literal["answer", "reasoning"]
Piece = tuple[Kind, str]

_NAMES = "think|thinking|thought|reasoning"
_OPEN = re.compile(rf"<(?:{_NAMES})>|\[THINK\]|◁think▷", re.IGNORECASE)
_TOKEN = re.compile(
    rf"</?(?:{_NAMES})>|\[/?THINK\]|◁/?think▷|`+|~{{3,}}|\n",
    re.IGNORECASE,
)
# What may be the beginning of a token, at the end of what has come so far.
_PARTIAL = re.compile(r"(?:<[/a-z]{0,10}|\[/?[a-z]{0,5}|◁/?[a-z]{0,5}|`+|~+)\Z", re.IGNORECASE)


class ReasoningSplitter:
    """A pure state machine: however a text is cut into chunks, `answer` and `reasoning` are equal.

    With `hold` nothing is returned before a closing tag or the end: for models that only close.
    """

    def __init__(self, *, hold: bool = False) -> None:
        self.closes_only = False
        """Whether a closing tag came that nothing had opened."""
        self._hold = hold
        self._buffer = ""
        self._mode: Literal["text", "block", "inline"] = "text"
        self._code = ""
        """The backticks or tildes that opened the code we are in."""
        self._blank_line = True
        self._has_block = False
        self._inline = ""
        """What came since a tag in the middle of a line."""
        self._answer = self._reasoning = self._moved = ""
        self._pieces: list[Piece] = []

    @property
    def answer(self) -> str:
        """The answer so far; it may be shorter than what was returned, see `closes_only`."""
        answer = self._answer
        if self._moved.strip() and not answer.strip():
            answer = self._moved
        return answer.lstrip() if self._reasoning else answer

    @property
    def reasoning(self) -> str:
        """The reasoning so far."""
        return self._reasoning.strip()

    def feed(self, text: str) -> list[Piece]:
        """Take the next chunk; return what is decided by now."""
        self._buffer += text
        partial = _PARTIAL.search(self._buffer)
        return self._scan(partial.start() if partial else len(self._buffer))

    def close(self) -> list[Piece]:
        """Take the end of the text; return the rest."""
        pieces = self._scan(len(self._buffer))
        if self._mode == "inline":
            self._mode = "text"
            self._add_answer(self._inline)
        self._release("answer")
        rest, self._pieces = pieces + self._pieces, []
        return rest

    def _scan(self, end: int) -> list[Piece]:
        start = 0
        for token in _TOKEN.finditer(self._buffer, 0, end):
            self._text(self._buffer[start : token.start()])
            self._token(token[0])
            start = token.end()
        self._text(self._buffer[start:end])
        self._buffer = self._buffer[end:]
        if self._hold:
            return []
        pieces, self._pieces = self._pieces, []
        return pieces

    def _text(self, text: str) -> None:
        if not text:
            return
        if self._mode == "block":
            self._add_reasoning(text)
        elif self._mode == "inline":
            self._inline += text
        else:
            self._blank_line = self._blank_line and not text.strip()
            self._add_answer(text)

    def _token(self, symbol: str) -> None:
        is_tag = symbol[0] in "<[◁"
        opens = is_tag and bool(_OPEN.fullmatch(symbol))
        if self._mode != "text":
            if not is_tag or opens:
                self._text(symbol)
                return
            if self._mode == "inline":
                self._add_reasoning(_OPEN.sub("", self._inline, count=1))
            self._end_block()
        elif not is_tag:
            self._track_code(symbol)
            self._text(symbol)
            self._blank_line = symbol == "\n" or self._blank_line
        elif self._code:
            self._text(symbol)
        elif opens:
            self._mode = "block" if self._blank_line else "inline"
            self._inline = symbol
            if self._mode == "block":
                self._release("answer")
        else:
            self._close_unopened()

    def _end_block(self) -> None:
        self._mode, self._inline, self._has_block, self._blank_line = "text", "", True, True
        if self._reasoning and not self._reasoning.endswith("\n"):
            self._reasoning += "\n"

    def _close_unopened(self) -> None:
        """Move the text before the closing tag to the reasoning."""
        self._release("reasoning")
        self.closes_only = self.closes_only or not self._has_block
        self._moved = self._answer if self._has_block else ""
        self._reasoning += self._answer
        self._answer = ""
        self._end_block()

    def _track_code(self, symbol: str) -> None:
        if symbol == "\n":
            self._code = self._code if len(self._code) > 2 else ""
        elif not self._code:
            self._code = symbol
        elif symbol[0] == self._code[0] and (
            len(symbol) == len(self._code) or len(symbol) > len(self._code) > 2
        ):
            self._code = ""

    def _add_answer(self, text: str) -> None:
        if self._reasoning and not self._answer.strip():
            text, self._answer = text.lstrip(), self._answer.lstrip()
        self._answer += text
        if text:
            self._pieces.append(("answer", text))

    def _add_reasoning(self, text: str) -> None:
        self._reasoning += text
        self._pieces.append(("reasoning", text))

    def _release(self, kind: Kind) -> None:
        """Let out what is held, as `kind`."""
        if self._hold:
            self._hold = False
            self._pieces = [(kind, text) for _, text in self._pieces]


def split_reasoning(text: str) -> tuple[str, str]:
    """Return answer and reasoning of a whole text."""
    splitter = ReasoningSplitter()
    splitter.feed(text)
    splitter.close()
    return splitter.answer, splitter.reasoning


class SurrogateJoiner:
    """Join halves of surrogate pairs that were split over chunks; a lone one becomes U+FFFD."""

    def __init__(self) -> None:
        self._half = ""

    def feed(self, text: str) -> str:
        """Return the text that is complete by now."""
        text, self._half = self._half + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return join_surrogates(text)

    def close(self) -> str:
        """Return the rest."""
        half, self._half = self._half, ""
        return join_surrogates(half)


def joined(texts: Iterable[Piece], kind: Kind) -> str:
    """Return the pieces of one kind as one text."""
    return "".join(text for of, text in texts if of == kind)
