"""Extract entities and facts from the newest user message, and merge them into what is known."""

from datetime import datetime

from langchain_core.language_models import BaseChatModel
from langgraph.runtime import Runtime

from threadkeep.base.clock import as_local, now, parse_time
from threadkeep.base.fences import escape_tags
from threadkeep.base.message_text import words_of
from threadkeep.base.tokens import count_text
from threadkeep.extract.extraction import Extraction
from threadkeep.extract.rules import extract
from threadkeep.graph.context import Context
from threadkeep.graph.state import State, Update
from threadkeep.knowledge.extraction_calls import extract_by_model
from threadkeep.knowledge.merge import merge_notes
from threadkeep.knowledge.notes import USER, Note
from threadkeep.models.offline import OfflineChatModel
from threadkeep.prompt.exchanges import newest_user_message
from threadkeep.prompt.run_model import model_of
from threadkeep.prompt.runtime import context_of, on_run_clock, owner_of, store_of, thread_of
from threadkeep.prompt.templates import EXTRACT
from threadkeep.stores.usage import NO_USAGE, Usage, add_usage


@on_run_clock
async def extract_entities(state: State, runtime: Runtime[Context]) -> Update:
    """Merge entities and facts of the newest user message into the store, and bill the call."""
    context, store = context_of(runtime), store_of(runtime)
    message = newest_user_message(state.messages)
    if message is None or not context.recalls_entities:
        return {}
    time = parse_time(state.turn_at) if state.turn_at else now()
    speaker = message.name or USER
    extraction, usage = await _by_model_or_rules(
        await model_of(context, store), words_of(message), speaker, time, context.prompt_tokens
    )
    note = Note(
        message=message.id or "",
        thread=thread_of(),
        time=time.isoformat(),
        extraction=extraction,
    )
    owner = await owner_of(runtime)
    await merge_notes(store, owner, [note], live=True)
    if not usage["calls"]:
        return {}
    await add_usage(store, owner, thread_of(), state.turn_at[:10], "extraction", usage)
    return {"ledger": {"internal": {"extraction": usage}}}


async def _by_model_or_rules(
    model: BaseChatModel, text: str, speaker: str, time: datetime, max_tokens: int
) -> tuple[Extraction, Usage]:
    """Return what `text` says and the usage of the calls; rules help where the model fails."""
    usage = NO_USAGE
    if not isinstance(model, OfflineChatModel):
        prompt = EXTRACT.format(
            speaker=speaker, said_at=as_local(time).date().isoformat(), text=escape_tags(text)
        )
        if count_text(prompt) <= max_tokens:
            extraction, usage = await extract_by_model(model, prompt)
            if extraction is not None:
                return extraction, usage
    return extract(text, speaker=speaker, written_at=as_local(time)), usage
