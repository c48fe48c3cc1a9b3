"""Read and validate a file of conversations, in any of the formats."""

from threadkeep.base.errors import BadInput
from threadkeep.base.validation import validate_id
from threadkeep.transfer.importers.chatgpt import read_chatgpt
from threadkeep.transfer.importers.claude import read_claude
from threadkeep.transfer.importers.formats import Format
from threadkeep.transfer.importers.gemini import read_gemini
from threadkeep.transfer.importers.jsonl import read_jsonl
from threadkeep.transfer.importers.langchain import read_langchain
from threadkeep.transfer.importers.letta import read_letta
from threadkeep.transfer.importers.locomo import read_locomo
from threadkeep.transfer.importers.mem0 import read_mem0
from threadkeep.transfer.importers.transcript import (
    READ_ERRORS,
    ImportPath,
    Transcript,
    unreadable,
)

FAULTS_IN_ERROR = 3
MESSAGE_LISTS = frozenset({"langchain", "openai", "zep"})
WITHOUT_USER = MESSAGE_LISTS | {"chatgpt", "claude", "gemini", "letta"}
"""Formats that name no user."""


def read_conversations(
    path: ImportPath,
    format_: Format,
    *,
    user_id: str | None = None,
    thread: str | None = None,
    skip_malformed: bool = False,
    may_be_empty: bool = False,
) -> Transcript:
    """Return the messages of a file; `user_id` and `thread` override those of the file.

    Raises:
        BadInput: the file cannot be read, holds no message, or has malformed lines that may not
            be skipped.
    """
    user_id = None if user_id is None else validate_id(user_id, "user")
    try:
        transcript = _read(path, format_, user_id, thread)
    except READ_ERRORS as error:
        raise unreadable(path, error) from error
    malformed = transcript.malformed
    if malformed and not (skip_malformed and transcript.messages):
        first = " ".join(transcript.faults[:FAULTS_IN_ERROR])
        count = "1 malformed line" if malformed == 1 else f"{malformed:,} malformed lines"
        remedy = "Mend the file, or leave such lines out with --skip-bad."
        raise BadInput(
            f"{str(path)!r} was not imported for {count}; {first} "
            + (remedy if transcript.messages else "No line is left to import.")
        )
    if not transcript.messages and not may_be_empty:
        raise BadInput(f"{str(path)!r} holds no messages; name a file with at least one.")
    return transcript


def _read(path: ImportPath, format_: Format, user_id: str | None, thread: str | None) -> Transcript:
    if thread is not None and format_ not in MESSAGE_LISTS:
        raise BadInput(f"A {format_} file names its own threads; leave --thread out.")
    if format_ == "jsonl":
        return read_jsonl(path, user_id)
    if format_ == "locomo":
        return read_locomo(path, user_id)
    if format_ == "mem0":
        return read_mem0(path, user_id)
    if user_id is None:
        raise BadInput(f"A {format_} file names no user; say whose memory it is with --user.")
    if format_ == "chatgpt":
        return read_chatgpt(path, user_id)
    if format_ == "claude":
        return read_claude(path, user_id)
    if format_ == "gemini":
        return read_gemini(path, user_id)
    if format_ == "letta":
        return read_letta(path, user_id)
    return read_langchain(path, user_id, None if thread is None else validate_id(thread, "thread"))
