"""`threadkeep memory why`: what the last answer of a thread rests on."""

from collections.abc import Iterator

from threadkeep.base.clock import local_day, local_minute
from threadkeep.base.settings import Settings
from threadkeep.base.validation import validate_id
from threadkeep.cli.connection import with_memory
from threadkeep.cli.output import json_line, one_line, print_lines
from threadkeep.cli.thread_prompt import shortened_notice
from threadkeep.knowledge.explanation import Explanation, Reason
from threadkeep.stores.memory_ids import short_ids

EXCERPT = 300
"""Characters of a summary or a message that are shown."""
MAX_SOURCES = 3


def show_why(settings: Settings, user_id: str, thread: str | None, *, as_json: bool) -> None:
    """Print what the last answer of a thread rests on."""
    name = validate_id(thread, "thread") if thread is not None else None
    explanation = with_memory(settings, lambda memory: memory.why(name, user_id=user_id))
    print_lines([json_line(explanation)] if as_json else explanation_lines(explanation))


def explanation_lines(explanation: Explanation) -> Iterator[str]:
    """Return an explanation for people, the most important memory first."""
    reasons = explanation["memories"]
    yield f"Question: {_excerpt(explanation['question'])}"
    yield f"Answer:   {_excerpt(explanation['answer'])}"
    ids = short_ids(
        key
        for reason in reasons
        for key in (reason["id"], *(source["id"] for source in reason.get("sources", ())))
    )
    if not reasons:
        yield "No memory was recalled for it."
    for reason in reasons:
        yield ""
        yield from _reason_lines(reason, ids)
    if notice := shortened_notice(explanation["tokens"]).strip():
        yield ""
        yield notice
    if explanation["gone"]:
        yield ""
        yield f"Forgotten since, or on a branch that was left: {explanation['gone']}."
    if tokens := int(explanation["tokens"].get("summary") or 0):
        yield ""
        since = ", extended since" if explanation["summary_changed"] else ""
        yield f"Summary of older messages of this thread, {tokens} tokens{since}:"
        yield f"  {_excerpt(explanation['summary'])}"


def _reason_lines(reason: Reason, ids: dict[str, str]) -> Iterator[str]:
    origin = [reason["kind"], local_minute(reason["time"])]
    if reason["kind"] == "message":
        origin.append(f'{reason["speaker"]} in "{reason["thread"]}"')
    yield f"{_score(reason)}  {ids[reason['id']]}  {', '.join(origin)}{_marks(reason)}"
    yield f"  {_excerpt(reason['text'])}"
    if parts := reason.get("parts"):
        largest_first = sorted(parts.items(), key=lambda part: -abs(part[1]))
        yield "  " + ", ".join(f"{name} {value:+.2f}" for name, value in largest_first if value)
    for source in reason.get("sources", ())[-MAX_SOURCES:]:
        origin_of_source = f'{local_day(source["time"])} in "{source["thread"]}"'
        yield f"  from {ids[source['id']]}, {origin_of_source}: {_excerpt(source['text'])}"


def _score(reason: Reason) -> str:
    return f"{reason['score']:.2f}" if "score" in reason else "    "


def _marks(reason: Reason) -> str:
    conditions = (
        ("pinned", reason["pinned"]),
        ("recalled for an earlier turn", reason["earlier"]),
        ("outdated since", reason.get("outdated")),
        (f"corrected {local_day(reason.get('corrected') or '')}", reason.get("corrected")),
    )
    marks = [mark for mark, is_set in conditions if is_set]
    return f"  [{', '.join(marks)}]" if marks else ""


def _excerpt(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= EXCERPT else f"{line[:EXCERPT]}…"
