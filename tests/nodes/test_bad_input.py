"""Any input gives a valid prompt or an error of one sentence."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.store.memory import InMemoryStore

from benchmarks.legal import measure, refused_by_provider
from benchmarks.scripted_thread import open_scripted, prompt_tokens
from threadkeep.base.errors import BadInput
from threadkeep.graph.context import Context
from threadkeep.graph.state import State
from threadkeep.models.openai import open_openai
from threadkeep.prompt.plan import plan_prompt
from threadkeep.prompt.valid_messages import valid_message


def test_providers_accept_the_prompt_of_any_history() -> None:
    figures, targets = measure(300)
    assert all(targets.values()), figures


@pytest.mark.parametrize(
    ("context", "message"),
    [
        ({"system_prompt": "Be brief. " * 1_000, "max_tokens": 2_000}, "system_prompt takes 3005"),
        ({"max_tokens": 512, "reserve_tokens": 500}, "system_prompt takes 19 of the 12 tokens"),
        ({"max_tokens": 512, "reserve_tokens": 512}, "reserve_tokens 512 leaves nothing"),
        ({"max_tokens": 512, "reserve_tokens": 100_000}, "leaves nothing of max_tokens 512"),
        ({"window": 0}, "window 0 is not allowed"),
        ({"window": -3}, "window -3 is not allowed"),
    ],
)
async def test_a_budget_without_room_for_a_prompt_is_an_error(
    context: dict[str, Any], message: str
) -> None:
    async with open_scripted() as thread:
        with pytest.raises(BadInput, match=message) as error:
            await thread.say("hello", **context)
        assert "\n" not in str(error.value)
        assert thread.server.requests == []


UNUSUAL_HISTORIES: list[list[AnyMessage]] = [
    [HumanMessage([{"type": "hologram", "data": 7}, {"type": "text", "text": "What is this?"}])],
    [HumanMessage([{"type": "text"}, {"text": 7}, {"type": "image_url"}])],
    [HumanMessage([{"type": "file", "url": "https://example.org/a.pdf"}])],
    [ToolMessage("rain", tool_call_id="nobody's"), HumanMessage("hello")],
    [AIMessage("", tool_calls=[{"name": "a", "args": {}, "id": "1"}] * 2), HumanMessage("hello")],
    [SystemMessage("Obey."), AIMessage("I greet first."), HumanMessage("hello", name="A <b> C")],
    [HumanMessage("")],
    [HumanMessage("hello"), HumanMessage("hello?"), AIMessage("thinking")],
]


@pytest.mark.parametrize("memory", ["hybrid", "summary", "window"])
@pytest.mark.parametrize("messages", UNUSUAL_HISTORIES)
async def test_unusual_messages_become_a_valid_request(
    messages: list[AnyMessage], memory: str
) -> None:
    async with open_scripted() as thread:
        output = await thread.say(*messages, memory=memory)
        assert output["messages"][-1].text == "Noted."
        await thread.say("And now?", memory=memory)
        for prompt in thread.prompts:
            assert refused_by_provider(prompt) == []


@pytest.mark.parametrize("messages", [[], [AIMessage("I speak first.")], [SystemMessage("Obey.")]])
async def test_a_thread_without_a_user_message_is_an_error(messages: list[AnyMessage]) -> None:
    async with open_scripted() as thread:
        with pytest.raises(BadInput, match="no message from a user"):
            await thread.say(*messages)


async def test_a_run_without_a_thread_is_an_error() -> None:
    async with open_scripted() as thread:
        graph = thread.graph.copy()
        graph.checkpointer = None
        with pytest.raises(BadInput, match="no thread"):
            await graph.ainvoke(
                {"messages": [HumanMessage("hello")]}, context=Context(user_id="ada")
            )


@pytest.mark.parametrize("memory", ["buffer", "progressive", "hybrid", "window"])
async def test_ten_thousand_messages_in_one_call_fit_the_budget(memory: str) -> None:
    messages: list[AnyMessage] = [
        AIMessage(f"Answer {number} is {number * 7}.")
        if number % 2
        else HumanMessage(f"What is number {number}?")
        for number in range(10_000)
    ]
    async with open_scripted() as thread:
        await thread.say(*messages, HumanMessage("And now?"), memory=memory)
        assert prompt_tokens({"messages": thread.prompts[0]}) <= 7_000
        assert thread.prompts[0][-1]["content"] == "And now?"
        await thread.say("And then?", memory=memory)
        assert refused_by_provider(thread.prompts[-1]) == []


def test_a_turn_with_five_thousand_tool_calls_keeps_its_question_and_newest_results() -> None:
    messages: list[AnyMessage] = [HumanMessage("Go on.", id="h")]
    for number in range(5_000):
        call = {"name": "look", "args": {"n": number}, "id": f"c{number}"}
        messages.append(AIMessage("", id=f"a{number}", tool_calls=[call]))
        messages.append(ToolMessage(f"result {number}", id=f"r{number}", tool_call_id=f"c{number}"))
    prompt = plan_prompt(State(messages=messages), [], Context(user_id="ada")).prompt
    assert prompt[1].text == "Go on."
    assert prompt[-1].text == "result 4999"
    assert refused_by_provider(payload(prompt)) == []


def payload(prompt: list[AnyMessage]) -> list[dict[str, Any]]:
    model: Any = open_openai("gpt-4.1-mini")
    messages: list[dict[str, Any]] = model._get_request_payload(prompt)["messages"]
    return messages


def test_a_valid_message_is_not_changed() -> None:
    message = HumanMessage([{"type": "text", "text": "a"}, {"type": "text", "text": "b"}])
    assert valid_message(message).content == "a\nb"
    for valid in (
        HumanMessage("a"),
        AIMessage("b", name="ada"),
        ToolMessage("c", tool_call_id="1"),
    ):
        assert valid_message(valid) is valid


async def test_the_arguments_of_a_tool_call_are_stored_and_summarised() -> None:
    store = InMemoryStore()
    call = {"name": "book", "args": {"train": "EN 40463"}, "id": "c1"}
    messages: list[AnyMessage] = [
        HumanMessage("Book the night train."),
        AIMessage("", tool_calls=[call]),
        ToolMessage("Booked, carriage 261.", tool_call_id="c1"),
        AIMessage("Done."),
    ]
    async with open_scripted(store) as thread:
        thread.context |= {"memory": "summary"}
        await thread.say(*messages, HumanMessage("Thank you."))
        await thread.say("And the hotel?")
        assert '(calls book {"train":"EN 40463"})' in thread.summaries[0]
        assert "Booked, carriage 261." in thread.summaries[0]
    items = await store.asearch((), limit=100)
    assert '(calls book {"train":"EN 40463"})' in [item.value.get("text") for item in items]
