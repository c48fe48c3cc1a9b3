"""What an answer rests on, as lines for people."""

from collections.abc import Iterator

from threadkeep.knowledge.explanation import Explanation, Reason
from threadkeep.stores.memory_ids import short_ids

QUOTED = 300
"""Characters of a summary or a message that are shown."""
SOURCES = 3


def why_lines(found: Explanation) -> list[str]:
    """Return what the last answer of a thread was shown, the most telling first."""
    return list(_lines(found))


def _lines(found: Explanation) -> Iterator[str]:
    yield f"Question: {_cut(found['question'])}"
    yield f"Answer:   {_cut(found['answer'])}"
    ids = short_ids(
        key
        for each in found["memories"]
        for key in (each["id"], *(source["id"] for source in each.get("sources", ())))
    )
    if not found["memories"]:
        yield "No memory was recalled for it."
    for each in found["memories"]:
        yield ""
        yield from _reason(each, ids)
    if found["gone"]:
        yield ""
        yield f"Forgotten since, or on a branch that was left: {found['gone']}."
    if tokens := int(found["tokens"].get("summary") or 0):
        yield ""
        since = ", extended since" if found["summary_changed"] else ""
        yield f"Summary of older messages of this thread, {tokens} tokens{since}:"
        yield f"  {_cut(found['summary'])}"


def _reason(each: Reason, ids: dict[str, str]) -> Iterator[str]:
    about = [each["kind"], each["time"][:16].replace("T", " ")]
    if each["kind"] == "message":
        about.append(f'{each["speaker"]} in "{each["thread"]}"')
    yield f"{_score(each)}  {ids[each['id']]}  {', '.join(about)}{_marks(each)}"
    yield f"  {_cut(each['text'])}"
    if parts := each.get("parts"):
        told = sorted(parts.items(), key=lambda pair: -abs(pair[1]))
        yield "  " + ", ".join(f"{name} {value:+.2f}" for name, value in told if value)
    for source in each.get("sources", ())[-SOURCES:]:
        when = source["time"][:10]
        yield f'  from {ids[source["id"]]}, {when} in "{source["thread"]}": {_cut(source["text"])}'


def _score(each: Reason) -> str:
    return f"{each['score']:.2f}" if "score" in each else "    "


def _marks(each: Reason) -> str:
    marks = [
        name
        for name, there in (
            ("pinned", each["pinned"]),
            ("recalled for an earlier turn", each["earlier"]),
            ("outdated since", each.get("outdated")),
            (f"corrected {each.get('corrected', '')[:10]}", each.get("corrected")),
        )
        if there
    ]
    return f"  [{', '.join(marks)}]" if marks else ""


def _cut(text: str) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= QUOTED else f"{flat[:QUOTED]}…"
