"""`threadkeep ask`: one message, one reply."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from threadkeep.base.memory_block import PINNED
from threadkeep.base.validation import validate_id, validate_message
from threadkeep.cli.connection import Connection, context_values
from threadkeep.cli.context_options import context_of
from threadkeep.cli.failures import complain
from threadkeep.process import run
from threadkeep.turn import Turn


def run_ask(
    connection: Connection,
    thread: str | None,
    last: bool,
    model: str | None,
    choices: Mapping[str, Any],
    question: str,
    *,
    as_json: bool,
) -> None:
    """Print the reply to `question`; with `as_json` also what it rests on and what it cost."""
    question = validate_message(question)
    name = validate_id(thread, "thread") if thread is not None else None
    context_of(connection.user_id or "me", model, choices)
    context = context_values(model, choices)
    run(_ask(connection, context, name, last, question, as_json=as_json))


async def _ask(
    connection: Connection,
    context: Mapping[str, Any],
    thread: str | None,
    last: bool,
    question: str,
    *,
    as_json: bool,
) -> None:
    user_id = connection.user_id
    async with connection.open() as memory:
        if last:
            thread = await memory.last_thread(user_id=user_id)
        if notice := await memory.model_notice(context, user_id=user_id):
            complain(notice)
        for sentence in await memory.recover(user_id=user_id):
            complain(sentence)
        turn = await memory.say(question, thread=thread, context=context, user_id=user_id)
        async for piece in turn:
            if not as_json:
                sys.stdout.write(piece)
                sys.stdout.flush()
        await turn.finished()
        sys.stdout.write(json.dumps(_report(turn), ensure_ascii=False) if as_json else "")
        sys.stdout.write("\n")
        if memory.notice:
            complain(memory.notice)


def _report(turn: Turn) -> dict[str, Any]:
    memories = [
        {
            "source": {
                "kind": item["kind"],
                "id": item["id"],
                "thread": item["thread"],
                "time": item["time"],
            },
            "speaker": item["speaker"],
            "text": item["text"],
            "score": item.get("score"),
            "parts": item.get("parts", {}),
            "pinned": item.get("before") == PINNED,
        }
        for item in turn.memories
    ]
    return {
        "reply": turn.reply,
        "thread": turn.thread,
        "memories": memories,
        "tokens": turn.ledger,
    }
