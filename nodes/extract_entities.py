"""Note who and what the user's newest message was about."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore

from threadkeep.base.clock import now, parse_time
from threadkeep.base.fences import escape_tags
from threadkeep.base.tokens import count_text
from threadkeep.extract.extraction import Extraction
from threadkeep.extract.rules import extract
from threadkeep.graph.context import Context
from threadkeep.graph.state import State, Update
from threadkeep.knowledge.extraction_calls import extract_by_model
from threadkeep.knowledge.fold import Noted, merge, notes, telling
from threadkeep.models.offline import OfflineChatModel
from threadkeep.prompt.run_model import model_of
from threadkeep.prompt.run_owner import context_of, on_run_clock, owner_of, store_of, thread_of
from threadkeep.prompt.texts import EXTRACT
from threadkeep.prompt.validity import newest_user_message, text_of
from threadkeep.stores.usage import NOTHING, Usage, add_usage

if TYPE_CHECKING:
    from threadkeep.nodes.store_turn import StoredMessage

USER = "user"


@on_run_clock
async def extract_entities(state: State, runtime: Runtime[Context]) -> Update:
    """Merge what the user just said about people, places and things into what is known."""
    context = context_of(runtime)
    newest = newest_user_message(state.messages)
    if newest is None or not context.recalls_entities:
        return {}
    said_at = parse_time(state.turn_at) if state.turn_at else now()
    store, speaker = store_of(runtime), newest.name or USER
    found, usage = await note(text_of(newest), speaker, said_at, context, store)
    noted = Noted(
        message=newest.id or "",
        thread=thread_of(),
        said_at=said_at.isoformat(),
        extraction=found,
    )
    owner = await owner_of(runtime)
    await merge(store, owner, [noted])
    if not usage["calls"]:
        return {}
    await add_usage(store, owner, thread_of(), state.turn_at[:10], "extraction", usage)
    return {"ledger": {"internal": {"extraction": usage}}}


async def note(
    text: str, speaker: str, said_at: datetime, context: Context, store: BaseStore
) -> tuple[Extraction, Usage]:
    """Return what `text` says, and what that took: by the model, by rules where it fails."""
    model = await model_of(context, store)
    usage = NOTHING
    if not isinstance(model, OfflineChatModel):
        prompt = EXTRACT.format(
            speaker=speaker, said_at=said_at.date().isoformat(), text=escape_tags(text)
        )
        if count_text(prompt) <= context.prompt_tokens:
            found, usage = await extract_by_model(model, prompt)
            if found is not None:
                return found, usage
    return extract(text, speaker=speaker, said_at=said_at), usage


async def note_entities(store: BaseStore, user: str, said: Sequence["StoredMessage"]) -> None:
    """Note what imported messages say, by rules; the assistant's own words are not evidence.

    The notes alone: whoever imports folds them into entities and facts at the end, see `refold`.
    """
    noted = [
        Noted(
            message=message["id"],
            thread=message["thread"],
            said_at=message["time"],
            extraction=extract(
                message["text"],
                speaker=message.get("name") or USER,
                said_at=parse_time(message["time"]),
            ),
        )
        for message in said
        if message["role"] == "user" or message.get("name")
    ]
    await store.abatch(notes(user, telling(noted)))
