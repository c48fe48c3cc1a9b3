from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import (
    AIMessage,
    AIMessageChunk,
    AnyMessage,
    BaseMessage,
    HumanMessage,
    SystemMessage,
    ToolMessage,
)

from threadkeep.base.clock import parse_time, use_clock
from threadkeep.base.memory_block import RecalledItem, render_memories
from threadkeep.models.offline import OfflineChatModel
from threadkeep.models.offline_answer import NOTICE, SAVED, UNKNOWN, UNSURE, reply_to
from threadkeep.models.quote import Quote

MIRIAM = "My sister Miriam moved to Lisbon in March and keeps two parrots."
SYSTEM = SystemMessage("You are a helpful assistant with a long memory. Be brief and precise.")
QUOTED = f'You said on 4 March 2026, in "first": "{MIRIAM}"'


def recalled(*items: tuple[str, str, str]) -> HumanMessage:
    """Return a memory block of (speaker, day, text); the speaker "known" makes a fact."""
    recalled_items: list[RecalledItem] = [
        {
            "id": str(number),
            "kind": "fact" if speaker == "known" else "message",
            "text": text,
            "speaker": speaker,
            "time": day,
            "thread": "first",
        }
        for number, (speaker, day, text) in enumerate(items)
    ]
    return HumanMessage(render_memories(recalled_items))


def ask(question: str, *before: AnyMessage) -> str:
    return reply_to([SYSTEM, *before, HumanMessage(question)])


MEMORY = recalled(("user", "2026-03-04", MIRIAM))


@pytest.mark.parametrize(
    "question",
    ["Where does my sister live?", "where does my sister live", "Who lives in Lisbon?"],
)
def test_a_question_is_answered_with_the_quotation_that_is_bound(question: str) -> None:
    quote = Quote(text=MIRIAM, speaker="user", time="2026-03-04", thread="first", is_sure=True)
    assert reply_to([SYSTEM, HumanMessage(question)], [quote]) == QUOTED


def test_an_unsure_quotation_says_so() -> None:
    quote = Quote(text=MIRIAM, speaker="user", time="2026-03-04")
    assert reply_to([HumanMessage("Where is Miriam?")], [quote]) == (
        f'{UNSURE} you said on 4 March 2026, in this thread: "{MIRIAM}"'
    )


def test_a_fact_that_no_message_says_is_quoted_as_knowledge() -> None:
    quote = Quote(text="user lives in Oslo", speaker="", is_fact=True, is_sure=True)
    assert reply_to([HumanMessage("Where do I live?")], [quote]) == "What I know: you live in Oslo."


def test_without_a_quotation_the_answer_is_unknown() -> None:
    assert reply_to([SYSTEM, MEMORY, HumanMessage("Where does my sister live?")], []) == (
        f"{UNKNOWN} {NOTICE}"
    )


@pytest.mark.parametrize(
    "question",
    [
        "How many parrots does Miriam have?",
        "When did my sister move to Lisbon?",
        "Tell me about my sister.",
    ],
)
def test_without_a_store_the_prompt_is_quoted(question: str) -> None:
    assert MIRIAM in ask(question, MEMORY)
    assert MIRIAM in ask(question, HumanMessage(MIRIAM), AIMessage("Noted"))
    summary = HumanMessage(f"<summary>\nWhat was said earlier.\nuser: {MIRIAM}\n</summary>")
    assert MIRIAM in ask(question, summary)


@pytest.mark.parametrize(
    "question",
    ["Where is the car?", "Who won the cup?", "What did I say about olives?"],
)
def test_a_sentence_of_another_topic_is_no_answer(question: str) -> None:
    assert ask(question, MEMORY).startswith(UNKNOWN)
    assert "Lisbon" not in ask(question, MEMORY)


def test_questions_and_replies_are_never_quoted() -> None:
    memory = recalled(
        ("user", "2026-03-04", "Where does my sister live?"),
        ("assistant", "2026-03-04", "Your sister lives in Rome."),
    )
    assert ask("Where does my sister live?", memory).startswith(UNKNOWN)


def test_the_newest_of_equals_is_quoted() -> None:
    memory = recalled(
        ("user", "2026-01-04", "My rent is 900 euros."),
        ("user", "2026-03-04", "My rent is 950 euros."),
    )
    assert "950" in ask("What is my rent?", memory)


def test_a_statement_is_acknowledged_with_its_facts() -> None:
    moment = parse_time("2026-03-04T09:30:00+00:00")
    with use_clock(lambda: moment):
        reply = ask(MIRIAM)
    assert reply == (
        "Noted: Miriam is your sister; Miriam moved to Lisbon (March 2026); "
        "Miriam keeps two parrots."
    )
    assert ask("I live in Bergen and I have two cats.") == (
        "Noted: you live in Bergen; you have two cats."
    )
    assert ask("It rained all day.") == SAVED


@pytest.mark.parametrize(
    "text", ["Hi!", "Thanks a lot", "Who are you?", "Write me a poem about Lisbon", "Hello Tom"]
)
def test_a_request_for_a_language_model_gets_the_notice(text: str) -> None:
    assert ask(text, MEMORY) == NOTICE


def test_only_the_first_unknown_answer_of_a_thread_has_the_notice() -> None:
    assert ask("Who won the cup?") == f"{UNKNOWN} {NOTICE}"
    assert ask("Who won the cup?", HumanMessage("Hi"), AIMessage(NOTICE)) == UNKNOWN


@pytest.mark.parametrize(
    "messages",
    [
        [],
        [AIMessage("x")],
        [ToolMessage("r", tool_call_id="1")],
        [HumanMessage("")],
        [MEMORY],
        [SYSTEM],
        [
            HumanMessage(
                [{"type": "text", "text": "Where?"}, {"type": "image_url", "image_url": ""}]
            )
        ],
        [HumanMessage("Look"), AIMessage(""), ToolMessage("42", tool_call_id="1")],
    ],
)
def test_any_list_of_messages_gets_a_short_answer(messages: Sequence[AnyMessage]) -> None:
    assert 0 < len(reply_to(messages)) < 300


async def test_streamed_pieces_join_to_the_reply_of_invoke() -> None:
    model, prompt = (
        OfflineChatModel(),
        [SYSTEM, MEMORY, HumanMessage("Who moved to Lisbon in March?")],
    )
    whole = model.invoke(prompt)
    pieces = list(model.stream(prompt))
    assert len(pieces) > 2
    assert "".join(str(piece.text) for piece in pieces) == whole.text == QUOTED
    later = [piece async for piece in model.astream(prompt)]
    assert "".join(str(piece.text) for piece in later) == whole.text
    assert (await model.ainvoke(prompt)).text == whole.text
    total = later[0]
    for piece in later[1:]:
        total += piece
    assert isinstance(total, AIMessageChunk)
    assert total.usage_metadata == whole.usage_metadata
    assert total.response_metadata["finish_reason"] == "stop"
    assert total.response_metadata["model_name"] == "offline"


def test_usage_is_estimated_and_never_zero() -> None:
    usage = OfflineChatModel().invoke([HumanMessage("a")]).usage_metadata
    assert usage is not None
    assert usage["input_tokens"] >= 1
    assert usage["total_tokens"] == usage["input_tokens"] + usage["output_tokens"]


texts = st.text(max_size=80) | st.sampled_from([MIRIAM, "Where does my sister live?", "I moved"])
messages = st.lists(
    st.builds(HumanMessage, texts)
    | st.builds(AIMessage, texts)
    | st.builds(SystemMessage, texts)
    | st.builds(lambda text: ToolMessage(text, tool_call_id="1"), texts)
    | texts.map(lambda text: recalled(("user", "2026-03-04", text))),
    max_size=6,
)


@given(messages)
def test_no_conversation_raises_and_replies_are_deterministic(
    prompt: list[BaseMessage],
) -> None:
    model = OfflineChatModel()
    reply = model._generate(prompt).generations[0].message
    assert reply.text
    assert "".join(str(c.message.text) for c in model._stream(prompt)) == reply.text
