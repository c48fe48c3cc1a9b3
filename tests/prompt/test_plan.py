from collections.abc import Sequence

from hypothesis import given, settings
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage

from threadkeep.base.memory_block import PINNED, RecalledItem
from threadkeep.base.message_text import text_of
from threadkeep.base.tokens import count_messages, is_cut
from threadkeep.graph.context import Context, Preset
from threadkeep.graph.state import State
from threadkeep.prompt.ledger import PARTS
from threadkeep.prompt.pinned_block import fit_pins, pinned_budget
from threadkeep.prompt.plan import plan_prompt
from threadkeep.prompt.templates import pinned_message
from threadkeep.prompt.window import window_of

PRESETS = list(Preset.__args__)  # type: ignore[attr-defined]
TEXTS = st.text(max_size=40) | st.integers(1, 400).map(lambda n: "olive grove, 17 km; " * n)
MESSAGE_OVERHEAD = 4
"""Tokens that a message costs beyond its text."""
CALL_IDS = st.lists(st.sampled_from(["a", "b", "c"]), max_size=2, unique=True)


@st.composite
def messages(draw: st.DrawFn) -> list[AnyMessage]:
    kinds = draw(st.lists(st.sampled_from(["human", "ai", "call", "tool", "system"]), max_size=14))
    history: list[AnyMessage] = []
    for number, kind in enumerate([*kinds, "human"]):
        text, message_id = draw(TEXTS), f"m{number}"
        if kind == "human":
            history.append(HumanMessage(text, id=message_id))
        elif kind == "ai":
            history.append(AIMessage(text, id=message_id))
        elif kind == "call":
            tool_calls = [{"name": "look", "args": {}, "id": name} for name in draw(CALL_IDS)]
            history.append(AIMessage(text, id=message_id, tool_calls=tool_calls))
        elif kind == "tool":
            name = draw(st.sampled_from("abc"))
            history.append(ToolMessage(text, id=message_id, tool_call_id=name))
        else:
            history.append(SystemMessage(text, id=message_id))
    return history


@st.composite
def turns(draw: st.DrawFn) -> tuple[State, list[RecalledItem], Context]:
    history = draw(messages())
    context = Context(
        user_id="ada",
        memory=draw(st.sampled_from(PRESETS)),
        max_tokens=draw(st.integers(512, 6_000)),
        reserve_tokens=draw(st.integers(64, 200)),
        window=draw(st.integers(1, 4)),
        pinned_tokens=draw(st.integers(0, 600)),
    )
    ids = [message.id or "" for message in history]
    summarized_through = draw(st.sampled_from(["", *ids[:-1]]))
    memories: list[RecalledItem] = [
        {
            "id": f"r{number}",
            "kind": "message",
            "text": draw(TEXTS),
            "speaker": "user",
            "time": "2026-01-01T00:00:00+00:00",
            "thread": "old",
            "before": draw(st.sampled_from(ids)),
        }
        for number in range(draw(st.integers(0, 4)))
    ]
    memories += [
        {
            "id": f"p{number}",
            "kind": draw(st.sampled_from(["message", "fact"])),
            "text": draw(TEXTS),
            "speaker": "user",
            "time": "2026-01-01T00:00:00+00:00",
            "thread": "old",
            "before": PINNED,
        }
        for number in range(draw(st.integers(0, 4)))
    ]
    state = State(messages=history, summary=draw(TEXTS) if summarized_through else "")
    state.summarized_through = summarized_through
    return state, memories, context


@settings(max_examples=300, deadline=None)
@given(turns())
def test_any_prompt_fits_and_is_valid_and_has_the_newest_user_message(
    turn: tuple[State, list[RecalledItem], Context],
) -> None:
    state, memories, context = turn
    plan = plan_prompt(state, memories, context)
    assert count_messages(plan.prompt) <= context.prompt_tokens
    assert_valid(plan.prompt)
    newest = text_of(state.messages[-1])
    last = text_of(plan.prompt[-1])
    assert last == newest or (is_cut(last) and last[:1] == newest[:1])


@settings(max_examples=300, deadline=None)
@given(turns())
def test_every_message_is_shown_or_covered_in_summarising_presets(
    turn: tuple[State, list[RecalledItem], Context],
) -> None:
    state, memories, context = turn
    plan = plan_prompt(state, memories, context)
    if context.summarizes:
        uncovered = plan.coverage.uncovered(state.messages)
        ids = {message.id for message in plan.prompt}
        user_messages = [message for message in uncovered if isinstance(message, HumanMessage)]
        assert all(message.id in ids for message in user_messages)


@settings(max_examples=200, deadline=None)
@given(turns())
def test_the_ledger_adds_up_to_the_limit(turn: tuple[State, list[RecalledItem], Context]) -> None:
    state, memories, context = turn
    ledger = plan_prompt(state, memories, context).ledger
    assert sum(ledger[part] for part in PARTS) == ledger["prompt"]
    assert ledger["prompt"] + ledger["free"] + ledger["reserve"] == ledger["limit"]
    assert all(ledger[part] >= 0 for part in (*PARTS, "free"))
    assert ledger["pinned"] <= context.pinned_tokens + MESSAGE_OVERHEAD


@settings(max_examples=100, deadline=None)
@given(turns())
def test_pins_come_right_after_the_system_prompt_in_every_preset(
    turn: tuple[State, list[RecalledItem], Context],
) -> None:
    state, memories, context = turn
    plan = plan_prompt(state, memories, context)
    positions = [position for position, message in enumerate(plan.prompt) if message.id == PINNED]
    window = window_of(context, state.messages)
    pins = fit_pins(memories, pinned_budget(context, window))
    assert positions == ([1] if pins else [])
    assert plan.prompt[1:2] == pinned_message(pins) or not pins


def assert_valid(prompt: Sequence[AnyMessage]) -> None:
    """Check what providers require: one system message first, each call before its results."""
    assert isinstance(prompt[0], SystemMessage)
    assert not any(isinstance(message, SystemMessage) for message in prompt[1:])
    pending: list[str] = []
    for message in prompt[1:]:
        if isinstance(message, ToolMessage):
            assert message.tool_call_id in pending
            pending.remove(message.tool_call_id)
            continue
        assert not pending, "a message separates a call from its results"
        if isinstance(message, AIMessage):
            pending = [str(call["id"]) for call in message.tool_calls]
    assert not pending
