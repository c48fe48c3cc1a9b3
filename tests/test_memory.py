"""An opened memory: precedence of arguments, and names of rows."""

from pathlib import Path

from threadkeep import Settings, acting_as, open_memory


async def test_a_value_of_the_call_takes_precedence_over_the_thread_and_none_is_the_default(
    tmp_path: Path,
) -> None:
    async with open_memory(Settings(home=tmp_path)) as memory:
        with acting_as("ada"):
            await (await memory.say("I live in Bergen.", thread="trip")).finished()
            await memory.change_thread("trip", context={"memory": "window"})
            assert (await memory.context("trip")).memory == "window"
            assert (await memory.context("trip", {"memory": "buffer"})).memory == "buffer"
            default = (await memory.context("other")).memory
            assert (await memory.context("trip", {"memory": None})).memory == default != "window"


async def test_a_thread_that_is_called_total_keeps_its_usage_beside_the_sum(tmp_path: Path) -> None:
    async with open_memory(Settings(home=tmp_path)) as memory:
        with acting_as("ada"):
            for thread in ("total", "trip"):
                await (await memory.say("I live in Bergen.", thread=thread)).finished()
            rows = await memory.usage("thread")
    own = [usage for name, usage in rows.items() if name not in ("total", "trip")]
    assert len(own) == 1
    assert own[0]["calls"] == rows["trip"]["calls"] == 1
    assert rows["total"]["calls"] == 2
