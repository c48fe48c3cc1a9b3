"""The files of an import: files, folders and ZIP archives, as exports come."""

import os
import re
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from threadkeep.base.errors import BadInput
from threadkeep.transfer.importers.detect import (
    PAGE_REFUSAL,
    detect_format,
    is_archive,
    recognised_format,
)
from threadkeep.transfer.importers.formats import Format
from threadkeep.transfer.importers.transcript import READ_ERRORS, ImportPath, unreadable

SUFFIXES = frozenset({".json", ".jsonl", ".ndjson", ".af", ".html", ".htm"})
PAGES = frozenset({".html", ".htm"})
"""Suffixes of files for people to read, which are named and left out."""
MAX_MEMBERS = 100_000
MAX_ARCHIVE_BYTES = 4_000_000_000
"""Of the files in one archive that are read, unpacked."""
_SHARD = re.compile(r"(conversations|chat_messages)\b.*\.json", re.IGNORECASE)
ENCRYPTED = 0x1


@dataclass(frozen=True, kw_only=True)
class InputFile:
    """One file to import."""

    path: ImportPath
    format: Format
    is_part: bool = False
    """Whether it is one of several in an archive or a folder, and may hold no messages."""


@dataclass(kw_only=True)
class Inputs:
    """The files to import, and those that cannot be read."""

    files: list[InputFile] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """What cannot be read, in sentences."""
    notes: list[str] = field(default_factory=list)
    """What was left out, and why."""


def find_inputs(paths: list[Path], format_: Format | None, stack: ExitStack) -> Inputs:
    """Return the files behind the arguments of an import; archives stay open with `stack`.

    In an archive or a folder, files of a known format are read, others are left out. Nothing is
    unpacked: names of members are never paths of this machine.
    """
    inputs = Inputs()
    for path in paths:
        try:
            if path.is_dir():
                _add_parts(_folder(path, stack), str(path), format_, inputs)
            elif is_archive(path):
                _add_parts(_members(path, stack), str(path), format_, inputs)
            else:
                inputs.files.append(InputFile(path=path, format=format_ or detect_format(path)))
        except BadInput as error:
            inputs.faults.append(str(error))
        except READ_ERRORS as error:
            inputs.faults.append(str(unreadable(path, error)))
    return inputs


def _add_parts(
    parts: Iterator[ImportPath], name: str, format_: Format | None, inputs: Inputs
) -> None:
    """Add the files of an archive or a folder whose format is known."""
    number, others, pages = 0, 0, list[ImportPath]()
    for part in parts:
        try:
            if PurePosixPath(part.name).suffix.lower() in PAGES:
                pages.append(part)
                continue
            recognised = recognised_format(part)
            if recognised is None and not _SHARD.fullmatch(part.name):
                others += 1
                continue
            number += 1
            if recognised is not None:
                format_of_part = format_ or recognised
                inputs.files.append(InputFile(path=part, format=format_of_part, is_part=True))
            else:
                _add_shard(part, format_, inputs)
        except BadInput as error:
            number += 1
            inputs.faults.append(str(error))
    if not number and pages:
        raise BadInput(f"{str(pages[0])!r} {PAGE_REFUSAL}")
    others += len(pages)
    if not number:
        raise BadInput(f"{name!r} holds no conversations in a known format; name another file.")
    if others:
        inputs.notes.append(f"{others:,} other file{'s' * (others != 1)} of {name!r}")


def _add_shard(part: ImportPath, format_: Format | None, inputs: Inputs) -> None:
    """Add a file that is named like conversations: empty, or damaged."""
    file = InputFile(path=part, format=format_ or "chatgpt", is_part=True)
    inputs.files.append(file)


def _folder(folder: Path, stack: ExitStack) -> Iterator[ImportPath]:
    """Yield the files of a folder, and those in archives in it."""
    paths: list[Path] = []
    for root, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if _is_visible(name))
        paths += [Path(root) / name for name in names if _is_visible(name)]
        if len(paths) > MAX_MEMBERS:
            raise BadInput(f"{str(folder)!r} holds more than {MAX_MEMBERS:,} files; name one.")
    for path in sorted(paths):
        if path.suffix.lower() in SUFFIXES:
            yield path
        elif path.suffix.lower() == ".zip" and is_archive(path):
            yield from _members(path, stack)


def _members(path: Path, stack: ExitStack) -> Iterator[zipfile.Path]:
    """Yield the JSON files of an archive."""
    archive = stack.enter_context(zipfile.ZipFile(path))
    infos = archive.infolist()
    if len(infos) > MAX_MEMBERS:
        raise BadInput(f"{str(path)!r} holds more than {MAX_MEMBERS:,} files; unpack it.")
    total, names = 0, set[str]()
    for info in sorted(infos, key=lambda info: info.filename):
        parts = PurePosixPath(info.filename).parts
        is_json = PurePosixPath(info.filename).suffix.lower() in SUFFIXES
        if info.is_dir() or not is_json or not all(map(_is_visible, parts)):
            continue
        total += info.file_size
        if total > MAX_ARCHIVE_BYTES:
            raise BadInput(
                f"{str(path)!r} unpacks to more than {MAX_ARCHIVE_BYTES:,} bytes; "
                "unpack it and import its files in parts."
            )
        if info.flag_bits & ENCRYPTED:
            raise BadInput(f"{str(path)!r} is encrypted; unpack it and name the folder.")
        if info.filename not in names:
            names.add(info.filename)
            yield zipfile.Path(archive, info.filename)


def _is_visible(name: str) -> bool:
    """Return whether a file is none that a system leaves behind."""
    return not name.startswith(".") and name != "__MACOSX"
