"""The known facts that an extraction is shown: those that its messages may end or correct."""

from collections.abc import Mapping
from typing import Any

from langgraph.store.base import BaseStore

from threadkeep.base.clock import now
from threadkeep.base.fact_time import is_plan, is_true_at
from threadkeep.base.predicates import predicate_table
from threadkeep.knowledge.notes import USER
from threadkeep.search.words import content_stems
from threadkeep.stores.namespaces import facts_of

MAX_FACTS = 40
MAX_READ = 1_000


async def facts_for_extraction(
    store: BaseStore, owner: str, text: str
) -> dict[str, Mapping[str, Any]]:
    """Return facts that hold or are planned, by short ids: those near the text, then the user's.

    Of the user's own, those with one object at a time: "I quit" ends where the user works.
    """
    items = await store.asearch(facts_of(owner), limit=MAX_READ)
    moment, stems = now().isoformat(), content_stems(text)
    facts = [
        item.value
        for item in items
        if is_true_at(item.value, moment) or is_plan(item.value, moment)
    ]
    ranks = [(_rank(fact, stems), str(fact["recorded_at"]), fact) for fact in facts]
    ranks = [entry for entry in ranks if entry[0]]
    ranks.sort(key=lambda entry: entry[:2], reverse=True)
    return {f"f{number}": fact for number, (*_, fact) in enumerate(ranks[:MAX_FACTS], 1)}


def _rank(fact: Mapping[str, Any], stems: set[str]) -> int:
    stems_in_common = content_stems(f"{fact['subject']} {fact['object']}") & stems
    is_single = predicate_table().of(str(fact["predicate"])).single
    return 2 * bool(stems_in_common) + (fact["subject"] == USER and is_single)
