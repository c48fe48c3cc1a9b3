"""No text controls a terminal, wherever it is cut; JSON stays complete."""

import io
import json
import re
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from threadkeep.cli.output import TextWriter, inert, json_line

CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c]")
NASTY = [
    "\x1b[2J",
    "\x1b]0;title\x07",
    "\x1b]8;;http://x\x1b\\link",
    "\x1b]52;c;aGk=\x07",
    "\x1bP1$q\x1b\\",
    "\x9b31m",
    "\x9d0;t\x9c",
    "\u202e\u2066",
    "a\rb",
    "a\r\nb",
    "\x08\x08",
    "\x7f",
    "\ud83d",
]
text = st.lists(st.sampled_from(NASTY) | st.text(max_size=8), max_size=8).map("".join)


class Terminal(io.StringIO):
    """A stream that is a terminal."""

    def isatty(self) -> bool:
        return True


@given(text, st.lists(st.integers(0, 60), max_size=6))
def test_a_text_is_inert_on_a_terminal_wherever_it_is_cut(text: str, cuts: list[int]) -> None:
    whole, pieces = Terminal(), Terminal()
    writer = TextWriter(whole)
    writer.write(text)
    writer.close()
    places = [0, *sorted(min(cut, len(text)) for cut in cuts), len(text)]
    writer = TextWriter(pieces)
    for start, end in pairwise(places):
        writer.write(text[start:end])
    writer.close()
    assert pieces.getvalue() == whole.getvalue()
    assert not CONTROL.search(whole.getvalue())
    whole.getvalue().encode()


@given(st.text(st.characters(exclude_categories=("Cc", "Cf", "Cs", "Zl", "Zp"))))
def test_a_text_without_controls_is_unchanged(text: str) -> None:
    assert inert(f"{text}\n\t{text}") == f"{text}\n\t{text}"


@given(text)
def test_json_is_inert_and_complete(text: str) -> None:
    line = json_line({"text": text})
    assert not CONTROL.search(line)
    assert json.loads(line) == {"text": text}


@given(text)
def test_a_pipe_gets_the_text_as_it_is(text: str) -> None:
    stream = io.StringIO()
    writer = TextWriter(stream)
    writer.write(text)
    writer.close()
    assert stream.getvalue() == text.encode("utf-8", "replace").decode()
