"""`threadkeep memory correct` and `history`."""

from collections.abc import Sequence

from threadkeep.base.clock import local_day
from threadkeep.base.settings import Settings
from threadkeep.cli.connection import with_memory
from threadkeep.cli.output import json_line, one_line, print_lines
from threadkeep.knowledge.corrections import CorrectionResult
from threadkeep.knowledge.wording_history import Wording
from threadkeep.stores.memory_ids import short_ids

STATES = {"now": "now", "corrected": "corrected", "outdated": "replaced"}
"""What is printed for the state of a wording."""


def correct_memory(
    settings: Settings, user_id: str, memory_id: str, text: str, *, as_json: bool
) -> None:
    """Correct a memory and print what it says now."""
    result = with_memory(settings, lambda memory: memory.correct(memory_id, text, user_id=user_id))
    print_lines([json_line(result)] if as_json else correction_lines(result))


def show_history(settings: Settings, user_id: str, memory_id: str, *, as_json: bool) -> None:
    """Print what a memory has said."""
    wordings = with_memory(settings, lambda memory: memory.history(memory_id, user_id=user_id))
    print_lines(map(json_line, wordings) if as_json else history_lines(wordings))


def correction_lines(result: CorrectionResult) -> list[str]:
    """Return what a correction changed."""
    return [f"{result['id']}  {one_line(result['text'])}  (was: {one_line(result['was'])})"]


def history_lines(wordings: Sequence[Wording]) -> list[str]:
    """Return the wordings of a memory, one a line."""
    ids = short_ids(wording["id"] for wording in wordings)
    return [
        f"{ids[wording['id']]}  {_state(wording)}  {one_line(wording['text'])}"
        for wording in wordings
    ]


def _state(wording: Wording) -> str:
    return f"{STATES[wording['why']]} {local_day(wording['until'])}".strip()
