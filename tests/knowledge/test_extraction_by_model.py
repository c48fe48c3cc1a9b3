"""What a model extracts is checked before it is noted: ids, subjects, predicates, shapes."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from threadkeep import Memory, Settings, open_memory
from threadkeep.testing import NO_FACTS, ScriptedChatModel


@pytest.fixture
async def model() -> ScriptedChatModel:
    return ScriptedChatModel()


@pytest.fixture
async def memory(tmp_path: Path, model: ScriptedChatModel) -> AsyncIterator[Memory]:
    async with open_memory(Settings(home=tmp_path), model=model) as memory:
        yield memory


def claim(subject: str, predicate: str, object_: str, **fields: Any) -> dict[str, Any]:
    return {"subject": subject, "predicate": predicate, "object": object_, **fields}


class Conversation:
    """Says a message whose extraction is scripted."""

    def __init__(self, memory: Memory, model: ScriptedChatModel, user: str = "ada") -> None:
        self.memory, self.model, self.user = memory, model, user
        self.context: dict[str, Any] = {}

    async def say(
        self, text: str, *claims: dict[str, Any], ends: object = (), reply: str | None = None
    ) -> None:
        answer = {"claims": list(claims), "ends": ends if isinstance(ends, str) else list(ends)}  # type: ignore[call-overload]
        self.model.extraction = reply if reply is not None else json.dumps(answer)
        turn = await self.memory.say(text, thread="t", user_id=self.user, context=self.context)
        async for _ in turn:
            pass
        await turn.finished()

    async def facts(self, **options: Any) -> list[tuple[str, str, str]]:
        rows = await self.memory.facts(user_id=self.user, **options)
        return [(row["subject"], row["predicate"], row["object"]) for row in rows]

    @property
    def prompt(self) -> str:
        return self.model.private_prompts[-1]


@pytest.fixture
async def ada(memory: Memory, model: ScriptedChatModel) -> Conversation:
    return Conversation(memory, model)


OSLO = claim("user", "lives in", "Oslo")
MARTA = claim("user", "married to", "Marta")


async def test_a_fact_is_ended_by_the_id_that_the_model_was_shown(ada: Conversation) -> None:
    await ada.say("Marta is my wife.", MARTA)
    await ada.say("It is over between Marta and me.", ends=["f1"])
    assert "[f1] user married to Marta" in ada.prompt
    assert await ada.facts() == []
    assert await ada.facts(history=True) == [("user", "married to", "Marta")]


@pytest.mark.parametrize(
    "ends", [["f9"], ["Marta"], [None, 3, {"x": 1}, ["f7"]], "all of them", ["f1f1"]]
)
async def test_an_id_that_was_not_shown_ends_nothing(ada: Conversation, ends: object) -> None:
    await ada.say("Marta is my wife.", MARTA)
    await ada.say("It is over.", ends=ends)
    assert await ada.facts() == [("user", "married to", "Marta")]


async def test_an_id_of_another_user_ends_nothing(ada: Conversation, memory: Memory) -> None:
    bob = Conversation(memory, ada.model, "bob")
    await bob.say("I live in Oslo.", OSLO)
    (row,) = await memory.facts(user_id="bob")
    await ada.say("I left everything.", ends=[row["id"], "f1"])
    assert "Oslo" not in ada.prompt
    assert await bob.facts() == [("user", "lives in", "Oslo")]


async def test_nobody_who_was_not_named_gets_a_fact(ada: Conversation) -> None:
    ghost = claim("Zebulon", "lives in", "Rome")
    await ada.say("Ida lives in Turin.", claim("Ida", "lives in", "Turin"), ghost)
    assert await ada.facts() == [("Ida", "lives in", "Turin")]


@pytest.mark.parametrize("writer", ["I", "the user", "User", "me"])
async def test_the_writer_has_one_name(ada: Conversation, writer: str) -> None:
    await ada.say("I live in Oslo.", claim(writer, "lives_in", "Oslo"))
    assert await ada.facts() == [("user", "lives in", "Oslo")]


async def test_an_unknown_predicate_supersedes_nothing(ada: Conversation) -> None:
    await ada.say("I collect stamps.", claim("user", "collects", "stamps"))
    await ada.say("I collect coins.", claim("user", "collects", "coins"))
    assert {object_ for *_, object_ in await ada.facts()} == {"stamps", "coins"}


@pytest.mark.parametrize(
    "reply", ["", "Sure!", "{", "[1, 2]", '{"claims": 7}', "null", '{"ends": {"a": [[]]}}']
)
async def test_a_reply_of_any_kind_ends_no_turn(ada: Conversation, reply: str) -> None:
    await ada.say("I live in Oslo.", OSLO)
    await ada.say("How nice it is here in the evening.", reply=reply)
    assert await ada.facts() == [("user", "lives in", "Oslo")]


async def test_plans_ends_and_corrections_are_read(ada: Conversation) -> None:
    await ada.say("I live in Oslo.", OSLO)
    plan = claim("user", "lives in", "Bergen", valid_from="2999-05-01", status="planned")
    await ada.say("I will move to Bergen in May 2999.", plan | {"precision": "month"})
    past = claim("user", "works at", "Initech", valid_from="2001", valid_to="2003")
    await ada.say("I was at Initech from 2001 to 2003.", past)
    wrong = claim("user", "birthday", "3 May")
    await ada.say("My birthday is 3 May.", wrong)
    await ada.say("4 May, sorry.", claim("user", "birthday", "4 May", status="corrected"))
    assert set(await ada.facts()) == {
        ("user", "lives in", "Oslo"),
        ("user", "lives in", "Bergen"),
        ("user", "birthday", "4 May"),
    }
    assert ("user", "lives in", "Bergen") in await ada.facts(as_of="2999-05")
    assert ("user", "works at", "Initech") in await ada.facts(as_of="2002")


async def test_the_first_part_of_the_prompt_never_changes(ada: Conversation) -> None:
    await ada.say("I live in Oslo.", OSLO)
    await ada.say("Ida is my sister.", claim("user", "sister", "Ida"))
    first, second = (p.split("\nToday is ")[0] for p in ada.model.private_prompts[-2:])
    assert first == second


async def test_thanks_cost_no_call(ada: Conversation) -> None:
    await ada.say("I live in Oslo.", OSLO)
    calls = len(ada.model.private_prompts)
    for text in ("ok, thanks", "Vielen Dank!", "merci beaucoup", "sí, gracias"):
        await ada.say(text)
    assert len(ada.model.private_prompts) == calls


async def test_one_call_reads_several_messages(ada: Conversation) -> None:
    ada.context = {"extract_every": 3}
    for text in ("I live in Oslo.", "Nice weather.", "Ida is my sister."):
        assert not ada.model.private_prompts
        await ada.say(text, OSLO | {"message": 1}, claim("user", "sister", "Ida", message="3"))
    assert len(ada.model.private_prompts) == 1
    rows = await ada.memory.facts(user_id="ada")
    messages = await ada.memory.messages("t", user_id="ada")
    sources = {row["object"]: row["sources"] for row in rows}
    ids = [message["id"] for message in messages if message["role"] == "user"]
    assert sources == {"Oslo": [ids[0]], "Ida": [ids[2]]}
    await ada.say("I like tea.", reply=NO_FACTS)
    assert len(ada.model.private_prompts) == 1


async def test_messages_are_read_before_they_leave_with_a_compaction(ada: Conversation) -> None:
    ada.context = {"extract_every": 0, "max_tokens": 4_000, "reserve_tokens": 500}
    await ada.say("I live in Oslo.", reply=NO_FACTS)
    for number in range(12):
        text = f"Entry {number}: " + "we walked along the quiet river for hours " * 30
        await ada.say(text, OSLO | {"message": 1})
    requests = [p for p in ada.model.private_prompts if "<known_facts>" in p]
    assert 1 <= len(requests) < 12
    assert "I live in Oslo." in requests[0]
