"""Extract entities and facts from the newest user messages, and merge them into what is known."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from langchain_core.language_models import BaseChatModel
from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore

from threadkeep.base.clock import as_local, now, parse_time
from threadkeep.base.tokens import count_text
from threadkeep.extract.claim_checks import check_extraction
from threadkeep.extract.extraction import Extraction
from threadkeep.extract.rules import extract
from threadkeep.graph.context import Context
from threadkeep.graph.state import State, Update
from threadkeep.knowledge.extraction_calls import extract_by_model
from threadkeep.knowledge.extraction_facts import facts_for_extraction
from threadkeep.knowledge.merge import merge_notes
from threadkeep.knowledge.notes import Note, split_by_message
from threadkeep.knowledge.unnoted_messages import is_due, unnoted_messages, with_times
from threadkeep.models.offline import OfflineChatModel
from threadkeep.prompt.coverage import messages_before
from threadkeep.prompt.extraction_prompt import (
    MAX_EARLIER,
    NewMessage,
    brief_prompt,
    extraction_prompt,
)
from threadkeep.prompt.run_model import model_of, window_for
from threadkeep.prompt.runtime import context_of, on_run_clock, owner_of, store_of, thread_of
from threadkeep.prompt.templates import transcript_line
from threadkeep.stores.usage import NO_USAGE, Usage, add_usage

log = logging.getLogger(__name__)


@on_run_clock
async def extract_entities(state: State, runtime: Runtime[Context]) -> Update:
    """Merge entities and facts of the newest user messages into the store, and bill the call."""
    context, store = context_of(runtime), store_of(runtime)
    waiting = unnoted_messages(state, context)
    if not waiting or not context.recalls_entities:
        return {}
    model = await model_of(context, store)
    by_model = not isinstance(model, OfflineChatModel)
    if by_model and not is_due(state, waiting, context, window_for(state, model, context)):
        return {}  # The messages wait; they are in the prompt.
    owner = await owner_of(runtime)
    time = parse_time(state.turn_at) if state.turn_at else now()
    messages = await with_times(store, owner, thread_of(), waiting, time)
    usage = NO_USAGE
    if messages:
        request = _Request(store, owner, thread_of(), messages)
        usage = await request.note(model if by_model else None, state, context.prompt_tokens)
    update: Update = {}
    if state.facts_through or context.extract_every != 1:
        update["facts_through"] = waiting[-1].id or ""
    if usage["calls"]:
        await add_usage(store, owner, thread_of(), state.turn_at[:10], "extraction", usage)
        update["ledger"] = {"internal": {"extraction": usage}}
    return update


@dataclass(frozen=True)
class _Request:
    """The messages of one extraction."""

    store: BaseStore
    owner: str
    thread: str
    messages: Sequence[NewMessage]

    async def note(self, model: BaseChatModel | None, state: State, max_tokens: int) -> Usage:
        """Note what the messages say, by rules without a model; return what the calls took."""
        extraction, usage = None, NO_USAGE
        if model is not None:
            extraction, usage = await self._by_model(model, state, max_tokens)
        if extraction is None:
            by_message = [_by_rules(message) for message in self.messages]
        else:
            by_message = split_by_message(extraction, [m.text for m in self.messages])
        notes = [
            Note(
                message=message.id,
                thread=self.thread,
                time=message.time.isoformat(),
                extraction=part,
            )
            for message, part in zip(self.messages, by_message, strict=True)
        ]
        await merge_notes(self.store, self.owner, notes, live=True)
        return usage

    async def _by_model(
        self, model: BaseChatModel, state: State, max_tokens: int
    ) -> tuple[Extraction | None, Usage]:
        """Return what the messages say; None if the prompt is too long or nothing can be read."""
        texts = [message.text for message in self.messages]
        candidates = await facts_for_extraction(self.store, self.owner, "\n".join(texts))
        before = messages_before(state.messages, self.messages[0].id)
        earlier = [transcript_line(message) for message in before[-MAX_EARLIER:]]
        prompt = extraction_prompt(
            self.messages,
            earlier=earlier,
            facts={id_: str(fact["text"]) for id_, fact in candidates.items()},
        )
        if count_text(prompt) > max_tokens:
            prompt = brief_prompt(self.messages)
            if count_text(prompt) > max_tokens:
                return None, NO_USAGE
        extraction, usage = await extract_by_model(model, prompt)
        if extraction is None:
            return None, usage
        speakers = [message.speaker for message in self.messages]
        checked = check_extraction(
            extraction, speakers=speakers, candidates=candidates, texts=[*texts, *earlier]
        )
        if checked.dropped:
            log.warning("Of what the model extracted, %d records were left out.", checked.dropped)
        return checked, usage


def _by_rules(message: NewMessage) -> Extraction:
    at: datetime = as_local(message.time)
    return extract(message.text, speaker=message.speaker, written_at=at)
