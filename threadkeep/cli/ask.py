"""`threadkeep ask`: one message, one reply."""

import asyncio
import shlex
import sys
from collections.abc import Mapping
from typing import Any

from threadkeep.base.errors import ProviderFailed, ThreadkeepError
from threadkeep.base.memory_block import PINNED, RecalledItem
from threadkeep.base.validation import validate_id, validate_message
from threadkeep.cli.connection import Connection
from threadkeep.cli.context_options import validate_fields
from threadkeep.cli.output import json_line, print_notice
from threadkeep.cli.reply import print_reply
from threadkeep.process import run
from threadkeep.turn import Turn

RECOVERY_SECONDS = 20.0
"""The longest wait for turns of other threads that were cut off."""
UNANSWERED = "The message got no answer; send it again, or use"


def run_ask(
    connection: Connection,
    thread: str | None,
    continue_last: bool,
    fields: Mapping[str, Any],
    question: str,
    *,
    as_json: bool,
    show_reasoning: bool = False,
) -> None:
    """Print the reply to `question`; with `as_json` also what it rests on and what it cost.

    Raises:
        ProviderFailed: the answer, which was printed and stored, is not whole.
    """
    question = validate_message(question)
    name = validate_id(thread, "thread") if thread is not None else None
    context = validate_fields(fields)
    turn = run(
        _ask(
            connection,
            context,
            name,
            continue_last,
            question,
            as_json=as_json,
            show_reasoning=show_reasoning,
        )
    )
    _check_whole(turn)


def run_retry(
    connection: Connection, thread: str, fields: Mapping[str, Any], *, as_json: bool
) -> None:
    """Send a message of a thread that got no answer again, and print the reply."""
    name, context = validate_id(thread, "thread"), validate_fields(fields)

    async def retry() -> Turn:
        async with connection.open() as memory:
            turn = await memory.retry(name, context=context, user_id=connection.user_id)
            await _print_answer(turn, as_json=as_json)
            sys.stdout.write(json_line(_report(turn)) if as_json else "")
            sys.stdout.write("\n")
            return turn

    _check_whole(run(retry()))


async def _ask(
    connection: Connection,
    context: Mapping[str, Any],
    thread: str | None,
    continue_last: bool,
    question: str,
    *,
    as_json: bool,
    show_reasoning: bool,
) -> Turn:
    user_id = connection.user_id
    async with connection.open() as memory:
        if continue_last:
            thread = await memory.last_thread(user_id=user_id)
        own = await memory.thread_context(thread, user_id=user_id) if thread is not None else {}
        if notice := await memory.model_notice({**own, **context}, user_id=user_id):
            print_notice(notice)
        for sentence in await memory.recover(limit=RECOVERY_SECONDS, user_id=user_id):
            print_notice(sentence)
        turn = await memory.say(question, thread=thread, context=context, user_id=user_id)
        await _print_answer(turn, as_json=as_json, show_reasoning=show_reasoning)
        sys.stdout.write(json_line(_report(turn)) if as_json else "")
        sys.stdout.write("\n")
        if memory.notice:
            print_notice(memory.notice)
    return turn


def _check_whole(turn: Turn) -> None:
    """Raise what the answer, which was printed and stored, is short of."""
    if turn.incomplete:
        raise ProviderFailed(turn.incomplete["sentence"])


async def _print_answer(turn: Turn, *, as_json: bool, show_reasoning: bool = False) -> None:
    """Print the answer as it comes, and wait until it is stored."""
    try:
        if not as_json:
            await print_reply(turn, show_reasoning=show_reasoning)
        await turn.finished()
    except asyncio.CancelledError:
        await turn.stop()
        raise
    except ThreadkeepError:
        print_notice(f"{UNANSWERED} threadkeep threads retry {shlex.quote(turn.thread)}.")
        raise


def _report(turn: Turn) -> dict[str, Any]:
    return {
        "reply": turn.reply,
        "thread": turn.thread,
        "memories": [_memory(item) for item in turn.memories],
        "tokens": turn.ledger,
        "reasoning": turn.reasoning,
        "incomplete": turn.incomplete,
    }


def _memory(item: RecalledItem) -> dict[str, Any]:
    return {
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
