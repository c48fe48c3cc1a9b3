"""Whether a provider would refuse a prompt: `python -m benchmarks.legal --json`.

10,000 prompts of made-up histories, each with its own budget, preset and memories: calls without
results, results without calls, repeated ids, unknown content, system messages in the middle, empty
messages and very long ones. Each prompt is serialized as the request that would be sent, and the
request is validated. A budget too small for any prompt is refused in a sentence and counted
separately.
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
from threadkeep.base.message_text import text_of, transcript_of
from threadkeep.base.tokens import count_messages, is_cut
from threadkeep.graph.context import Context, Preset
from threadkeep.graph.state import State
from threadkeep.models.openai import open_openai
from threadkeep.prompt.plan import PromptPlan, plan_prompt

HISTORIES = 10_000
SIZES = (0, 1, 5, 20, 20, 80, 80, 300, 3_000, 20_000)
"""Words of a message."""
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
ODD: Sequence[Any] = (
    {"type": "reasoning", "summary": []},
    {"type": "video", "url": "file:///etc/passwd"},
    {"type": "text", "text": None},
    {"type": "image_url"},
    {"type": "file", "url": "https://example.org/a.pdf"},
    {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}},
    {"type": "image", "base64": "threadkeep-blob:ab:3", "mime_type": "image/png"},
    {"type": "input_audio", "input_audio": {"data": "AAAA" * 5_000, "format": "wav"}},
    {"no": "type"},
    IMAGE,
    {"type": "text", "text": "a text block"},
    "a bare text",
)
_MODEL = open_openai("gpt-4.1-mini")


def history(random: Random) -> list[AnyMessage]:
    """Return messages of any kind in any order; the user's newest message is near the end."""
    messages = [_message(random, f"m{n}") for n in range(random.choice((0, 1, 3, 8, 20, 60)))]
    messages.append(HumanMessage(_content(random, words=random.choice(SIZES)), id="newest"))
    messages += [_answer(random, f"t{n}") for n in range(random.choice((0, 0, 0, 1, 3)))]
    return messages


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
    args = {"q": sentence(random, random.choice(SIZES)) or key}
    calls = [{"name": "look", "args": args, "id": call_id} for call_id in ids]
    if kind == "calls":
        return AIMessage(content, id=key, tool_calls=calls)
    if kind == "invalid":
        broken = [{"name": "look", "args": "{", "id": call_id, "error": "no"} for call_id in ids]
        return AIMessage(content, id=key, invalid_tool_calls=broken)
    return AIMessage(content, id=key)


def _content(random: Random, *, words: int) -> Any:
    text = sentence(random, words) if words else ""
    if random.random() < 0.1:
        return [*random.choices(ODD, k=random.randint(1, 3)), {"type": "text", "text": text}]
    return text


def turn(random: Random) -> tuple[State, list[RecalledItem], Mapping[str, Any]]:
    """Return a state, recalled items and the context fields of a run."""
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
    """Return the rules of a provider, and of the budget, that the prompt breaks."""
    reasons = [] if count_messages(plan.prompt) <= context.prompt_tokens else ["over budget"]
    # A picture or file without words is shown, or its label stands for it.
    texts = [transcript_of(m) for m in plan.prompt if m.id == "newest"]
    question = set(text_of(newest).splitlines())
    lines = set(texts[-1].splitlines()) if texts else set()
    if not texts or not (is_cut(texts[-1]) or question <= lines):
        reasons.append("without the newest user message")
    try:
        payload = _MODEL._get_request_payload(plan.prompt)  # type: ignore[attr-defined]
    except Exception as error:
        return [*reasons, f"not to be written: {type(error).__name__}"]
    return reasons + refused_by_provider(payload["messages"])


def refused_by_provider(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the rules of Chat Completions that a request breaks."""
    reasons: list[str] = []
    roles = [m["role"] for m in messages]
    if roles[0] != "system" or "system" in roles[1:]:
        reasons.append("a system message that is not the first")
    if len(roles) < 2 or roles[1] != "user":
        reasons.append("begins with an answer")
    open_calls: list[str] = []
    for message in messages:
        if message["role"] == "tool":
            if message["tool_call_id"] not in open_calls:
                reasons.append("a result without its call")
            else:
                open_calls.remove(message["tool_call_id"])
        elif open_calls:
            reasons.append("a call parted from its results")
            open_calls = []
        if calls := message.get("tool_calls"):
            open_calls = [call["id"] for call in calls]
            if not all(open_calls) or len(set(open_calls)) < len(open_calls):
                reasons.append("calls without ids of their own")
        reasons += _content_refusals(message)
    return reasons + (["a call without a result"] if open_calls else [])


def _content_refusals(message: Mapping[str, Any]) -> list[str]:
    reasons = []
    if (name := message.get("name")) and not re.fullmatch(r"[^\s<|\\/>]{1,64}", name):
        reasons.append("a name that is none")
    content = message.get("content")
    if content is None and not message.get("tool_calls"):
        reasons.append("no content")
    for block in content if isinstance(content, list) else ():
        kinds = {"text", "image_url", "input_audio", "file"}
        if message["role"] != "user":
            kinds = {"text"}
        if block.get("type") not in kinds or not block.get(block["type"]):
            reasons.append("content of an unknown kind")
    return reasons


def measure(histories: int) -> tuple[dict[str, float], dict[str, bool]]:
    """Return the figures and which targets they meet."""
    random = Random(11)
    faults: Counter[str] = Counter()
    refused = prompts = largest = 0
    while prompts < histories:
        state, memories, choices = turn(random)
        newest = next(m for m in state.messages if m.id == "newest")
        try:
            context = Context.model_validate(choices)
            plan = plan_prompt(state, memories, context)
        except BadInput as error:
            refused += 1
            faults["more than one sentence"] += "\n" in str(error)
            continue
        except Exception as error:
            faults[f"raised {type(error).__name__}"] += 1
            continue
        prompts += 1
        largest = max(largest, len(plan.prompt))
        faults.update(set(refusals(plan, context, newest)))
    figures = {
        "prompts": float(prompts),
        "budgets_refused_in_a_sentence": float(refused),
        "messages_max": float(largest),
        "illegal": float(sum(faults.values())),
        **{f"illegal: {reason}": float(count) for reason, count in faults.items() if count},
    }
    return figures, {"0 prompts refused, over budget or without the question": not faults.total()}


def main() -> None:
    """Measure; write no file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--histories", type=int, default=HISTORIES)
    options = parser.parse_args()
    figures, met = measure(options.histories)
    report("legal", figures, met, as_json=options.json)


if __name__ == "__main__":
    main()
