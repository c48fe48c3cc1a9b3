"""Which messages of a thread wait for an extraction by a model, and when it is due."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from langchain_core.messages import AnyMessage, HumanMessage
from langgraph.store.base import BaseStore, GetOp, Item

from threadkeep.base.clock import parse_time
from threadkeep.base.message_text import words_of
from threadkeep.extract.sentences import words
from threadkeep.graph.context import Context
from threadkeep.graph.state import State
from threadkeep.knowledge.notes import USER
from threadkeep.prompt.compaction import due_messages
from threadkeep.prompt.coverage import messages_after
from threadkeep.prompt.extraction_prompt import NewMessage
from threadkeep.prompt.window import Window
from threadkeep.stores.namespaces import messages_of, notes_of

MAX_MESSAGES = 20
"""Of one call."""
MAX_SMALL_TALK = 5
_SMALL_TALK: Final = frozenset(
    """ok okay k yes yep yeah no nope thanks thank you thx ty cheers great good nice cool fine
    perfect super sure hi hello hey bye goodbye please continue go on lol haha very much so right
    got it that is was a lot ja nein danke gut prima schön hallo tschüss bitte vielen dank sí si
    vale gracias bien hola adiós muchas perfecto oui non merci bonjour salut d'accord
    beaucoup parfait""".split()
)


def unnoted_messages(state: State, context: Context) -> list[HumanMessage]:
    """Return the user messages that no extraction has read, the oldest first."""
    messages = [m for m in state.messages if isinstance(m, HumanMessage)]
    if not state.facts_through and context.extract_every == 1:
        return messages[-1:]
    if state.facts_through in {message.id for message in state.messages}:
        after = messages_after(state.messages, state.facts_through)
        messages = [m for m in after if isinstance(m, HumanMessage)]
    return messages[-MAX_MESSAGES:]


def is_due(state: State, waiting: Sequence[AnyMessage], context: Context, window: Window) -> bool:
    """Return whether an extraction is due: after so many messages, or before one leaves."""
    limit = min(context.extract_every or MAX_MESSAGES, MAX_MESSAGES)
    if not context.summarizes:
        limit = min(limit, context.window)
    return len(waiting) >= limit or bool(due_messages(state, window, context))


def is_small_talk(text: str) -> bool:
    """Return whether a message says nothing to note: "ok, thanks"."""
    all_words = words(text)
    return len(all_words) <= MAX_SMALL_TALK and _SMALL_TALK.issuperset(all_words)


async def with_times(
    store: BaseStore, owner: str, thread: str, messages: Sequence[HumanMessage], time: datetime
) -> list[NewMessage]:
    """Return messages with when they were said, without those that are noted already.

    `time` is when the newest was said, which may not be stored yet.
    """
    ids = [message.id or "" for message in messages]
    stored = await store.abatch([GetOp(messages_of(owner, thread), id_) for id_ in ids])
    notes = await store.abatch([GetOp(notes_of(owner, thread), id_) for id_ in ids])
    new: list[NewMessage] = []
    for message, item, note in zip(messages, stored, notes, strict=True):
        moment = parse_time(str(item.value["time"])) if isinstance(item, Item) else time
        if isinstance(note, Item) and note.value.get("said_at") == moment.isoformat():
            continue
        if not is_small_talk(text := words_of(message)):
            speaker = message.name or USER
            new.append(NewMessage(message.id or "", text, moment, speaker))
    return new
