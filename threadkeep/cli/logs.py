"""Logs and warnings of a command: a sentence on stderr at most, the details in a file."""

import logging
import os
from pathlib import Path

from threadkeep.cli.output import print_notice

FILE = "errors.log"
OWN = "threadkeep"


def route_logs(home: Path) -> None:
    """Send what packages log and warn of to `errors.log` in this folder."""
    root = logging.getLogger()
    if not any(isinstance(handler, CommandLogHandler) for handler in root.handlers):
        root.addHandler(CommandLogHandler(home / FILE))
        logging.captureWarnings(True)


def append_to_log(path: Path, text: str) -> bool:
    """Append to a file that only its owner can read; return whether that was possible."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        with os.fdopen(descriptor, "a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(text)
    except OSError:
        return False
    return True


class CommandLogHandler(logging.Handler):
    """Prints sentences of this package once each; all else goes to the file alone."""

    def __init__(self, path: Path) -> None:
        super().__init__(logging.WARNING)
        self.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
        self._path = path
        self._sentences: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record to the file, and its sentence to stderr."""
        try:
            is_logged = append_to_log(self._path, f"{self.format(record)}\n")
            if record.name.partition(".")[0] != OWN:
                return
            sentence = record.getMessage()
            if record.exc_info and is_logged:
                sentence = f"{sentence.rstrip('.')}; the details are in {str(self._path)!r}."
            if sentence not in self._sentences:
                self._sentences.add(sentence)
                print_notice(sentence)
        except Exception:
            self.handleError(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802
        """Drop a record that cannot be written."""
