"""Would a provider refuse it? `python -m benchmarks.legal --json`.

10,000 prompts of made-up histories, each with a budget, a preset and memories of its own: calls
without results, results without calls, repeated ids, unknown content, system messages in the
middle, empty messages and very long ones. Each prompt is written as the request that would be
sent, and that is checked. Budgets that hold no prompt are refused in a sentence and counted apart.
"""

import argparse
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, get_args

from langchain_core.messages import (
    AIMessage,
    AnyMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from benchmarks.report import report
from benchmarks.turn import sentence
from threadkeep.base.errors import BadInput
from threadkeep.base.memory_block import PINNED, RecalledItem
from threadkeep.base.message_text import text_of
from threadkeep.base.tokens import MARKER, count_messages
from threadkeep.graph.context import Context, Preset
from threadkeep.graph.state import State
from threadkeep.models.openai import open_openai
from threadkeep.prompt.plan import PromptPlan, plan_prompt

HISTORIES = 10_000
SIZES = (0, 1, 5, 20, 20, 80, 80, 300, 3_000)
"""Words of a message."""
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
ODD: Sequence[Any] = (
    {"type": "reasoning", "summary": []},
    {"type": "video", "url": "file:///etc/passwd"},
    {"type": "text", "text": None},
    {"type": "image_url"},
    {"type": "file", "url": "https://example.org/a.pdf"},
    {"no": "type"},
    IMAGE,
    {"type": "text", "text": "a text block"},
    "a bare text",
)
_MODEL = open_openai("gpt-4.1-mini")


def history(random: Random) -> list[AnyMessage]:
    """Return messages of any kind in any order; the last from the user comes last or nearly."""
    made = [_message(random, f"m{n}") for n in range(random.choice((0, 1, 3, 8, 20, 60)))]
    made.append(HumanMessage(_content(random, words=random.choice(SIZES)), id="newest"))
    made += [_answer(random, f"t{n}") for n in range(random.choice((0, 0, 0, 1, 3)))]
    return made


def _message(random: Random, key: str) -> AnyMessage:
    kind = random.choices(("human", "answer", "system"), (5, 6, 1))[0]
    if kind == "answer":
        return _answer(random, key)
    content = _content(random, words=random.choice(SIZES))
    if kind == "system":
        return SystemMessage(content, id=key)
    return HumanMessage(content, id=key, name=random.choice((None, None, "ada", "Ada L. <b>")))


def _answer(random: Random, key: str) -> AnyMessage:
    content = _content(random, words=random.choice(SIZES))
    kind = random.choice(("plain", "calls", "invalid", "result", "result"))
    ids = [random.choice(("a", "b", "c", "")) for _ in range(random.randint(1, 3))]
    if kind == "result":
        return ToolMessage(content, id=key, tool_call_id=ids[0])
    calls = [{"name": "look", "args": {"q": key}, "id": each} for each in ids]
    if kind == "calls":
        return AIMessage(content, id=key, tool_calls=calls)
    if kind == "invalid":
        broken = [{"name": "look", "args": "{", "id": each, "error": "no"} for each in ids]
        return AIMessage(content, id=key, invalid_tool_calls=broken)
    return AIMessage(content, id=key)


def _content(random: Random, *, words: int) -> Any:
    text = sentence(random, words) if words else ""
    if random.random() < 0.1:
        return [*random.choices(ODD, k=random.randint(1, 3)), {"type": "text", "text": text}]
    return text


def turn(random: Random) -> tuple[State, list[RecalledItem], Mapping[str, Any]]:
    """Return a state, memories and the choices of a run."""
    messages = history(random)
    ids = [message.id or "" for message in messages]
    newest = ids.index("newest")
    covered = random.choice(("", *ids[:newest]))
    state = State(
        messages=messages,
        summary=sentence(random, random.choice((20, 100, 900))) if covered else "",
        summarized_through=covered,
        extract=sentence(random, 30) if random.random() < 0.2 else "",
    )
    memories: list[RecalledItem] = [
        {
            "id": f"r{number}",
            "kind": random.choice(("message", "fact", "entity")),
            "text": sentence(random, random.choice((5, 40, 200))),
            "speaker": "user",
            "time": "2026-01-01T00:00:00+00:00",
            "thread": "old",
            "before": random.choice((*ids, PINNED)),
        }
        for number in range(random.choice((0, 0, 2, 12)))
    ]
    size = random.choice((512, 600, 1_000, 2_000, 8_000, 32_000))
    choices = {
        "user_id": "ada",
        "memory": random.choice(get_args(Preset)),
        "max_tokens": size,
        "reserve_tokens": random.choice(
            (64, 64, 100, 100, size // 8, size // 4, size // 2, size - 65)
        ),
        "window": random.randint(1, 4),
        "system_prompt": "Be brief. " * random.choice((0, 1, 1, 20, 20, 300)),
    }
    return state, memories, choices


def refusals(plan: PromptPlan, context: Context, newest: AnyMessage) -> list[str]:
    """Return why a provider, or the promise of a budget, would refuse the prompt."""
    found = [] if count_messages(plan.prompt) <= context.prompt_tokens else ["over budget"]
    words = [text_of(m) for m in plan.prompt if m.id == "newest"]
    asked = text_of(newest)
    lines = words[-1].splitlines() if words else []
    if not words or (MARKER.strip() not in words[-1] and not set(asked.splitlines()) <= set(lines)):
        found.append("without the newest user message")
    try:
        payload = _MODEL._get_request_payload(plan.prompt)  # type: ignore[attr-defined]
    except Exception as error:
        return [*found, f"not to be written: {type(error).__name__}"]
    return found + refused_by_provider(payload["messages"])


def refused_by_provider(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the rules of Chat Completions that a request breaks."""
    found: list[str] = []
    roles = [m["role"] for m in messages]
    if roles[0] != "system" or "system" in roles[1:]:
        found.append("a system message that is not the first")
    if len(roles) < 2 or roles[1] != "user":
        found.append("begins with an answer")
    owed: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in owed:
                found.append("a result without its call")
            else:
                owed.remove(message["tool_call_id"])
        elif owed:
            found.append("a call parted from its results")
            owed = []
        if calls := message.get("tool_calls"):
            owed = [call["id"] for call in calls]
            if not all(owed) or len(set(owed)) < len(owed):
                found.append("calls without ids of their own")
        found += _content_refusals(message)
    return found + (["a call without a result"] if owed else [])


def _content_refusals(message: Mapping[str, Any]) -> list[str]:
    found = []
    if (name := message.get("name")) and not re.fullmatch(r"[^\s<|\\/>]{1,64}", name):
        found.append("a name that is none")
    content = message.get("content")
    if content is None and not message.get("tool_calls"):
        found.append("no content")
    for block in content if isinstance(content, list) else ():
        known = {"text", "image_url", "input_audio", "file"}
        if message["role"] != "user":
            known = {"text"}
        if block.get("type") not in known or not block.get(block["type"]):
            found.append("content of an unknown kind")
    return found


def measure(histories: int) -> tuple[dict[str, float], dict[str, bool]]:
    """Return the figures and which targets they meet."""
    random = Random(11)
    why: Counter[str] = Counter()
    sentences = prompts = largest = 0
    while prompts < histories:
        state, memories, choices = turn(random)
        newest = next(m for m in state.messages if m.id == "newest")
        try:
            context = Context.model_validate(choices)
            plan = plan_prompt(state, memories, context)
        except BadInput as refused:
            sentences += 1
            why["more than one sentence"] += "\n" in str(refused)
            continue
        except Exception as error:
            why[f"raised {type(error).__name__}"] += 1
            continue
        prompts += 1
        largest = max(largest, len(plan.prompt))
        why.update(set(refusals(plan, context, newest)))
    figures = {
        "prompts": float(prompts),
        "budgets_refused_in_a_sentence": float(sentences),
        "messages_max": float(largest),
        "illegal": float(sum(why.values())),
        **{f"illegal: {reason}": float(count) for reason, count in why.items() if count},
    }
    return figures, {"0 prompts refused, over budget or without the question": not why.total()}


def main() -> None:
    """Measure; nothing is written."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--histories", type=int, default=HISTORIES)
    given = parser.parse_args()
    figures, met = measure(given.histories)
    report("legal", figures, met, as_json=given.json)


if __name__ == "__main__":
    main()
