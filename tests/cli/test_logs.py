"""Logs of a command: own sentences on stderr once, everything else in a private file."""

import logging
from pathlib import Path

import pytest

from threadkeep.cli.logs import CommandLogHandler


def test_only_own_sentences_reach_the_terminal_and_tracebacks_reach_the_file(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    handler = CommandLogHandler(tmp_path / "home" / "errors.log")
    try:
        raise ValueError("secret detail")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    for name, exc_info in (("httpx", info), ("threadkeep.vectors", info), ("threadkeep.b", None)):
        for _ in range(2):
            record = logging.LogRecord(name, 30, "", 0, "Chroma does not answer.", (), exc_info)
            handler.handle(record)
    lines = capsys.readouterr().err.splitlines()
    assert [line.partition(";")[0] for line in lines] == [
        "threadkeep: Chroma does not answer",
        "threadkeep: Chroma does not answer.",
    ]
    log = tmp_path / "home" / "errors.log"
    assert log.read_text().count("secret detail") >= 4
    assert log.stat().st_mode & 0o777 == 0o600
