"""Note who and what the user's newest message was about."""

import logging
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from langgraph.runtime import Runtime
from langgraph.store.base import BaseStore

from chat_models.extraction import Extraction
from chat_models.offline import OfflineChatModel
from chat_models.rules import extract
from graph.clock import now, parse_time
from graph.context import Context
from graph.state import State, Update
from nodes.call_model import model_of
from nodes.legal import newest_user_message, text_of
from nodes.merge_entities import Noted, merge
from nodes.owner import context_of, owner_of, store_of
from nodes.prompts import EXTRACT

if TYPE_CHECKING:
    from nodes.store_turn import StoredMessage

log = logging.getLogger(__name__)
USER = "user"


async def extract_entities(state: State, runtime: Runtime[Context]) -> Update:
    """Merge what the user just said about people, places and things into what is known."""
    context = context_of(runtime)
    newest = newest_user_message(state.messages)
    if newest is None or not context.recalls_entities:
        return {}
    said_at = parse_time(state.turn_at) if state.turn_at else now()
    found = await note(text_of(newest), newest.name or USER, said_at, context)
    noted = Noted(message=newest.id or "", said_at=said_at.isoformat(), extraction=found)
    await merge(store_of(runtime), await owner_of(runtime), [noted])
    return {}


async def note(text: str, speaker: str, said_at: datetime, context: Context) -> Extraction:
    """Return what `text` says: by the model where there is one, by rules where it fails or not."""
    model = await model_of(context)
    if isinstance(model, OfflineChatModel):
        return extract(text, speaker=speaker, said_at=said_at)
    prompt = EXTRACT.format(speaker=speaker, said_at=said_at.date().isoformat(), text=text)
    try:
        structured = model.with_structured_output(Extraction)
        # No callbacks: these tokens are not the answer and must not be streamed as one.
        found = await structured.ainvoke(prompt, {"callbacks": [], "tags": ["nostream"]})
    except Exception as error:
        log.warning("The model extracted nothing, rules did instead: %s", error)
        found = None
    if isinstance(found, Extraction):
        return found
    return extract(text, speaker=speaker, said_at=said_at)


async def note_entities(store: BaseStore, user: str, said: Sequence["StoredMessage"]) -> None:
    """Merge what imported messages say, by rules; the assistant's own words are not evidence."""
    noted = [
        Noted(
            message=message["id"],
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
    await merge(store, user, noted)
