"""Candidates of a turn's recall: how to search for them, and how many tokens they may take."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from langchain_core.messages import AnyMessage
from langgraph.store.base import Op, Result, SearchItem, SearchOp

from threadkeep.base.clock import now
from threadkeep.base.fact_time import holds_at, is_outdated
from threadkeep.base.memory_block import RecalledItem
from threadkeep.base.message_text import text_of
from threadkeep.extract.sentences import is_question
from threadkeep.graph.context import Context
from threadkeep.graph.state import RecalledTurn, State
from threadkeep.prompt.exchanges import split_exchanges
from threadkeep.prompt.memory_budget import item_tokens
from threadkeep.prompt.recalled_turns import turns_in_prompt
from threadkeep.prompt.visible_history import max_exchanges
from threadkeep.search.time_words import moment_of
from threadkeep.stores.namespaces import all_messages_of, entities_of, facts_of

MAX_QUERY_CHARACTERS = 2_000
KNOWN_LIMIT = 6
"""Entities, and facts, of one search."""
MORE_FACTS = 5
"""Times as many facts of a question with a date of its own."""
NEW_SHARE = 5
"""At least 1/5 of the recall budget is for new items, whatever is in the prompt already."""
MIN_NEW_TOKENS = 100
"""With fewer, the fence and a date line leave no room for a message."""
MIN_MESSAGES, MAX_MESSAGES = 24, 200
"""Of one search."""
TOKENS_PER_MESSAGE = 20
"""Of the budget, for each message that is searched: about twice as many as will fit."""


def date_in_question(text: str) -> str | None:
    """Return the year or month that a question asks about; None where it names none."""
    present = now()
    moment = moment_of(text[:MAX_QUERY_CHARACTERS], present) if is_question(text.strip()) else ""
    return moment if moment and moment != present.isoformat() else None


def search_ops(owner: str, query: str, context: Context) -> list[Op]:
    """Return the searches of a turn: entities and facts, then messages; none for an empty query.

    A question with a date of its own looks at more facts: most of those of then are over.
    """
    facts_limit = KNOWN_LIMIT * (MORE_FACTS if date_in_question(query) else 1)
    ops: list[Op] = []
    query = query[:MAX_QUERY_CHARACTERS]
    if not query.strip():
        return ops
    if context.recalls_entities:
        ops.append(SearchOp(entities_of(owner), query=query, limit=KNOWN_LIMIT))
    if context.recalls_facts:
        ops.append(SearchOp(facts_of(owner), query=query, limit=facts_limit))
    if context.recalls_messages:
        limit = context.recall_tokens // TOKENS_PER_MESSAGE
        limit = min(MAX_MESSAGES, max(MIN_MESSAGES, limit))
        ops.append(SearchOp(all_messages_of(owner), query=query, limit=limit))
    return ops


def search_items(results: Iterable[Result]) -> list[SearchItem]:
    """Return the items of the results of searches."""
    items = (item for result in results if isinstance(result, list) for item in result)
    return [item for item in items if isinstance(item, SearchItem)]


def turns_in_reach(state: State, context: Context) -> list[RecalledTurn]:
    """Return the recalled turns whose messages this turn still shows."""
    exchanges = split_exchanges(state.messages)[-max_exchanges(context) :]
    ids = {message.id for exchange in exchanges for message in exchange}
    return [turn for turn in turns_in_prompt(state.recalled) if turn["before"] in ids]


def facts_by_date(items: Sequence[SearchItem], date: str | None) -> list[SearchItem]:
    """Return the items with as many facts as a search without a date has, those of `date` first."""
    facts = [item for item in items if "superseded_by" in item.value]
    if date is None or not facts:
        return list(items)
    facts.sort(key=lambda item: not holds_at(item.value, date))
    fitting = [item for item in facts if _is_of(item.value, date)][: 2 * KNOWN_LIMIT]
    return [*fitting, *(item for item in items if "superseded_by" not in item.value)]


def _is_of(value: Mapping[str, Any], date: str | None) -> bool:
    """Return whether a fact holds now, is planned, or held at the date of the question."""
    return not is_outdated(value) or bool(date and holds_at(value, date))


def new_items(
    items: Iterable[SearchItem],
    recalled: Sequence[RecalledTurn],
    messages: Sequence[AnyMessage],
    date: str | None = None,
) -> list[SearchItem]:
    """Return the items that neither `messages` nor `recalled` show, without superseded facts.

    Facts that are over stay if they held at the `date` of the question.
    Of items with the same words only the first is returned: a fork holds copies of the messages.
    """
    ids = {place[-1] for turn in recalled for place in turn["places"]}
    ids |= {message.id or "" for message in messages}
    texts = {_normalised(text_of(message)) for message in messages}
    new: list[SearchItem] = []
    for item in items:
        text = _normalised(str(item.value.get("text") or ""))
        if item.key in ids or text in texts or not _is_of(item.value, date):
            continue
        ids.add(item.key)
        texts.add(text)
        new.append(item)
    return new


def new_items_budget(in_prompt: Iterable[RecalledItem], budget: int) -> int:
    """Return how many tokens new items may take beside the recalled items in the prompt.

    Recalled items stay until the next compaction. With a full budget every turn, compaction would
    run every other turn, and no provider's cache would ever hold the prompt.
    """
    free = budget - sum(map(item_tokens, in_prompt))
    return max(free, budget // NEW_SHARE, min(budget, MIN_NEW_TOKENS))


def _normalised(text: str) -> str:
    return " ".join(text.casefold().split())
