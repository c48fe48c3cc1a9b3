"""`threadkeep ask`: one message, one reply."""

import json
import sys
from collections.abc import Mapping
from typing import Any

from threadkeep.base.memory_block import PINNED
from threadkeep.base.validation import validate_id, validate_message
from threadkeep.cli.agent import Home
from threadkeep.cli.context_options import context_of
from threadkeep.cli.event_loop import run
from threadkeep.cli.failures import complain
from threadkeep.cli.thread_names import new_thread
from threadkeep.turn import Turn


def run_ask(
    home: Home,
    user: str,
    thread: str | None,
    last: bool,
    model: str | None,
    chosen: Mapping[str, Any],
    question: str,
    *,
    as_json: bool,
) -> None:
    """Print the reply to `question`; with `as_json` also what it rests on and what it cost."""
    question = validate_message(question)
    name = validate_id(thread, "thread") if thread is not None else None
    context_of(user, model, chosen)
    run(_ask(home, user, model, chosen, name, last, question, as_json=as_json))


async def _ask(
    home: Home,
    user: str,
    model: str | None,
    chosen: Mapping[str, Any],
    thread: str | None,
    last: bool,
    question: str,
    *,
    as_json: bool,
) -> None:
    async with home.open() as agent:
        name = thread or (await agent.last_thread(user) if last else new_thread())
        context = context_of(user, model, chosen, await agent.choices(user, name))
        if found := await home.found(context, agent):
            complain(found)
        for sentence in await agent.finish(context):
            complain(sentence)
        turn = await agent.say(context, name, question)
        async for piece in turn:
            if not as_json:
                sys.stdout.write(piece)
                sys.stdout.flush()
        await turn.finished()
        sys.stdout.write(json.dumps(_report(turn, name), ensure_ascii=False) if as_json else "")
        sys.stdout.write("\n")
        if agent.notice:
            complain(agent.notice)


def _report(turn: Turn, thread: str) -> dict[str, Any]:
    memories = [
        {
            "source": {"kind": m["kind"], "id": m["id"], "thread": m["thread"], "time": m["time"]},
            "speaker": m["speaker"],
            "text": m["text"],
            "score": m.get("score"),
            "parts": m.get("parts", {}),
            "pinned": m.get("before") == PINNED,
        }
        for m in turn.memories
    ]
    return {"reply": turn.reply, "thread": thread, "memories": memories, "tokens": turn.ledger}
