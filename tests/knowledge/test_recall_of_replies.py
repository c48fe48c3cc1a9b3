"""What the program itself says where no model answers is kept in the thread, and is no memory."""

from threadkeep.base.settings import Settings
from threadkeep.memory import open_memory


async def test_replies_of_the_offline_model_are_stored_and_not_searched(home: Settings) -> None:
    async with open_memory(home) as memory:
        for text in ("My dentist is Dr Bellweather.", "Who is my dentist?"):
            turn = await memory.say(text, thread="first", user_id="ada")
            await turn.finished()
        await memory.fork("first", "second", user_id="ada")
        rows = await memory.search("Who is my dentist?", user_id="ada")
        messages = [row for row in rows if row["kind"] == "message"]
        assert {row["role"] for row in messages} == {"user"}
        replies = [
            row
            for row in await memory.messages("first", user_id="ada")
            if row["role"] == "assistant"
        ]
        assert len(replies) == 2


async def test_a_text_without_a_model_that_recalls_nothing_has_no_answer(home: Settings) -> None:
    async with open_memory(home) as memory:
        turn = await memory.say("My dentist is Dr Bellweather.", thread="first", user_id="ada")
        await turn.finished()
        assert await memory.search("a joke about penguins", user_id="ada") == []
