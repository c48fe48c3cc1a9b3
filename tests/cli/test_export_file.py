"""What `export -o` and `report -o` write to: a new file, or what stands there already."""

import os
import stat
from pathlib import Path
from threading import Thread

import pytest

from threadkeep.base.errors import BadInput
from threadkeep.cli.export_file import open_new_file


def test_a_pipe_is_written_to_and_stays_a_pipe(tmp_path: Path) -> None:
    pipe, texts = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = Thread(target=lambda: texts.append(pipe.read_text()), daemon=True)
    reader.start()
    with open_new_file(pipe) as write:
        write("all that is kept\n")
    reader.join(20)
    assert texts == ["all that is kept\n"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)


def test_a_link_stays_a_link_and_its_file_appears_when_complete(tmp_path: Path) -> None:
    link, target = tmp_path / "link", tmp_path / "export.jsonl"
    target.write_text("old")
    link.symlink_to(target)
    with open_new_file(link) as write:
        write("new")
        assert target.read_text() == "old"
    assert link.is_symlink()
    assert target.read_text() == "new"
    assert stat.S_IMODE(target.stat().st_mode) == 0o600


def test_a_folder_is_refused_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="cannot be written"), open_new_file(tmp_path) as write:
        write("x")
