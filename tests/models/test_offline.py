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
from threadkeep.models.offline_answer import NOTICE, SAVED, UNKNOWN, reply_to

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
    [
        "Where does my sister live?",
        "where does my sister live",
        "How many parrots does Miriam have?",
        "When did my sister move to Lisbon?",
        "What is my sister's name?",
        "Who lives in Lisbon?",
        "Does my sister have any pets?",
        "Do you remember where Miriam lives?",
        "Tell me about my sister.",
    ],
)
def test_a_question_is_answered_with_a_quotation_its_day_and_thread(
    question: str,
) -> None:
    assert ask(question, MEMORY) == QUOTED


@pytest.mark.parametrize(
    "question",
    [
        "Where do I live?",
        "Where does my brother live?",
        "Who won the cup?",
        "What is my name?",
        "When did my aunt move?",
        "Where is the car?",
        "What did I say about olives?",
        "Where does Tom live?",
    ],
)
def test_a_sentence_of_another_topic_is_no_answer(question: str) -> None:
    assert ask(question, MEMORY).startswith(UNKNOWN)
    assert "Lisbon" not in ask(question, MEMORY)


@pytest.mark.parametrize(
    ("statement", "question"),
    [
        ("I'm allergic to peanuts.", "What food am I allergic to?"),
        ("I play the violin.", "What instrument do I play?"),
        ("I'm from Norway.", "Where am I from?"),
        ("I am 34 years old.", "How old am I?"),
        ("My car is a red Volvo.", "What colour is my car?"),
        ("I live in Bergen.", "What city do I live in?"),
        ("I live in Bergen.", "where do i live"),
        ("I work as a nurse.", "What do I do for a living?"),
        ("I work as a nurse.", "What is my job?"),
        ("My birthday is 3 May.", "When was I born?"),
        ("My dog Rex likes carrots.", "What is my dog called?"),
        ("My dog Rex likes carrots.", "What's the name of my dog?"),
        ("Call me Bo.", "What's my name?"),
        ("My boss is Tom Baker.", "Who is my boss?"),
        ("My favourite colour is green.", "What's my favorite color?"),
        ("When I was a child I broke my left arm.", "Which arm did I break?"),
    ],
)
def test_a_paraphrase_finds_the_statement(statement: str, question: str) -> None:
    assert statement in ask(question, recalled(("user", "2026-03-04", statement)))


@pytest.mark.parametrize(
    ("statement", "question"),
    [
        ("My favourite food is pasta.", "What is my favourite colour?"),
        ("My sister Miriam keeps two parrots.", "Where does my sister live?"),
        ("My sister moved to Lisbon in March.", "When is my sister's birthday?"),
        ("My sister lives in Rome.", "Where do I live?"),
        ("My sister's birthday is 4 June.", "When is my birthday?"),
        ("I like the work of Tom Baker.", "Where does Tom Baker live?"),
        ("I have two cats.", "How many dogs do I have?"),
    ],
)
def test_a_sentence_that_shares_only_the_frame_is_no_answer(statement: str, question: str) -> None:
    assert ask(question, recalled(("user", "2026-03-04", statement))).startswith(UNKNOWN)


def test_a_statement_about_a_brother_answers_nothing_about_a_sister() -> None:
    memory = recalled(("user", "2026-03-04", "My brother's car is red and he lives in Rome."))
    assert ask("Where does my sister live?", memory).startswith(UNKNOWN)


def test_the_thread_and_the_summary_answer_too() -> None:
    quotation = f'You said earlier in this thread: "{MIRIAM}"'
    assert ask("Where does my sister live?", HumanMessage(MIRIAM), AIMessage("Noted")) == quotation
    fenced = HumanMessage(f"<summary>\nWhat was said earlier.\nuser: {MIRIAM}\n</summary>")
    assert ask("Where does my sister live?", fenced) == quotation
    summary = SystemMessage("Summary so far: The sister of the user, Miriam, lives in Lisbon.")
    assert "lives in Lisbon" in ask("Where does my sister live?", summary)


def test_the_newest_of_two_answers_comes_first() -> None:
    memory = recalled(
        ("user", "2026-01-04", "I live in Bergen."), ("user", "2026-03-04", "I moved to Oslo.")
    )
    reply = ask("Where do I live?", memory)
    assert reply.index("Oslo") < reply.index("Bergen")
    reply = ask(
        "Where do I live?", HumanMessage("I live in Bergen."), HumanMessage("I moved to Oslo.")
    )
    assert reply.index("Oslo") < reply.index("Bergen")


def test_the_name_of_a_sister_comes_from_another_message() -> None:
    memory = recalled(
        ("user", "2026-03-04", "My sister's name is Miriam."),
        ("user", "2026-03-05", "Miriam bought a house in Porto."),
    )
    assert "Porto" in ask("Where did my sister buy a house?", memory)


def test_the_my_of_another_speaker_is_not_the_users() -> None:
    memory = recalled(
        ("Caroline", "2023-05-08", "I live in Boston."),
        ("Caroline", "2023-05-09", "My sister Ann lives in Rome."),
    )
    assert ask("Where does Caroline live?", memory).startswith(
        'Caroline said on 8 May 2023, in "first": "I live in Boston."'
    )
    assert ask("Where does my sister live?", memory).startswith(UNKNOWN)
    assert ask("Where do I live?", memory).startswith(UNKNOWN)


def test_questions_and_its_own_replies_are_never_quoted() -> None:
    memory = recalled(
        ("user", "2026-03-04", "Where does my sister live?"),
        ("assistant", "2026-03-04", "I don't know that. Where does your sister live?"),
        ("assistant", "2026-03-05", 'You said on 1 March 2026, in "x": "My sister lives."'),
    )
    assert ask("Where does my sister live?", memory).startswith(UNKNOWN)


def test_words_of_the_user_come_before_those_of_the_assistant() -> None:
    memory = recalled(
        ("user", "2026-03-04", MIRIAM),
        ("assistant", "2026-03-04", "So your sister Miriam lives in Lisbon now with two parrots."),
    )
    assert ask("Where does my sister live?", memory) == QUOTED


def test_facts_answer_if_there_is_no_quotation() -> None:
    memory = recalled(
        ("known", "", "user's sister is Miriam"), ("known", "", "Miriam lives in Lisbon")
    )
    assert ask("Where does my sister live?", memory).startswith("What I know: Miriam lives in")


def test_a_current_fact_comes_before_an_outdated_message_of_the_thread() -> None:
    facts = recalled(("known", "", "user lives in Oslo"))
    reply = ask("Where do I live?", HumanMessage("I live in Bergen."), AIMessage("Noted"), facts)
    assert reply == "What I know: you live in Oslo."
    both = recalled(("known", "", "user lives in Oslo"), ("user", "2026-03-04", "I moved to Oslo."))
    reply = ask("Where do I live?", HumanMessage("I live in Bergen."), AIMessage("Noted"), both)
    assert reply == 'You said on 4 March 2026, in "first": "I moved to Oslo."'


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
    model, prompt = OfflineChatModel(), [SYSTEM, MEMORY, HumanMessage("Where does Miriam live?")]
    whole = model.invoke(prompt)
    pieces = list(model.stream(prompt))
    assert len(pieces) > 10
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
