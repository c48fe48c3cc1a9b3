"""Read what a person types or pastes at a terminal: a paste is one text, whatever its lines are."""

import contextlib
import os
import select
import sys
from collections.abc import Iterator

with contextlib.suppress(ImportError):  # Not on Windows.
    import termios

PASTE_SECONDS = 0.05
"""The longest pause inside a paste of a terminal that does not mark it."""
CHUNK = 65_536
BRACKETED_PASTE_ON, BRACKETED_PASTE_OFF = "\x1b[?2004h", "\x1b[?2004l"
BEGIN, END = "\x1b[200~", "\x1b[201~"
"""The marks that a terminal puts around a paste."""


def read_text(prompt: str) -> str | None:
    """Return the next text from the terminal, None at its end.

    A text has several lines where the terminal marks them as one paste, or sends them at once.
    """
    text = ""
    while True:
        line = _edit(prompt, text)
        if line is None:
            return None
        more = read_pending()
        if not more:
            return _without_marks(line)
        text = f"{line}\n{more}"
        if text.endswith("\n"):
            return _without_marks(text)


def read_pending() -> str:
    """Return what has been typed or pasted already, and not been read."""
    if not _has_termios():
        return ""
    pieces = []
    with unbuffered():
        while select.select([0], [], [], PASTE_SECONDS)[0]:
            piece = os.read(0, CHUNK)
            if not piece:
                break
            pieces.append(piece)
    text = b"".join(pieces).decode("utf-8", "replace")
    return text.replace("\r\n", "\n").replace("\r", "\n")


def read_confirmation() -> str:
    """Return the next line, typed after this call; "" for a paste of several lines."""
    line = os.read(0, CHUNK).decode("utf-8", "replace") if _has_termios() else input()
    return "" if read_pending() or BEGIN in line else line.strip()


@contextlib.contextmanager
def typing_ahead() -> Iterator[None]:
    """Keep what is typed meanwhile unseen and whole, for the next `read_text`."""
    if not (sys.stdin.isatty() and _has_termios()):
        yield
        return
    marks_pastes = sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"
    with unbuffered():
        if marks_pastes:
            _control(BRACKETED_PASTE_ON)
        try:
            yield
        finally:
            if marks_pastes:
                _control(BRACKETED_PASTE_OFF)


@contextlib.contextmanager
def unbuffered() -> Iterator[None]:
    """Let the terminal hand over each character, without an echo; Ctrl-C interrupts."""
    old = termios.tcgetattr(0)
    new = termios.tcgetattr(0)
    new[3] &= ~(termios.ICANON | termios.ECHO)
    termios.tcsetattr(0, termios.TCSANOW, new)
    try:
        yield
    finally:
        termios.tcsetattr(0, termios.TCSANOW, old)


def _edit(prompt: str, text: str) -> str | None:
    """Let the person edit a line that begins as `text`; return it, None at the end of input."""
    with contextlib.suppress(ImportError):
        import readline  # Arrow keys, history and marked pastes in `input`.

        readline.parse_and_bind("set enable-bracketed-paste on")
        readline.set_startup_hook(lambda: readline.insert_text(text))
    try:
        return input(prompt)
    except EOFError:
        sys.stderr.write("\n")
        return None


def _without_marks(text: str) -> str:
    return text.replace(BEGIN, "").replace(END, "").removesuffix("\n")


def _control(sequence: str) -> None:
    sys.stdout.write(sequence)
    sys.stdout.flush()


def _has_termios() -> bool:
    return "termios" in globals()
