"""Runs over HTTP with LangGraph's own client: streams, states, forks, and runs side by side."""

import asyncio
from collections import defaultdict
from typing import Any

import pytest

from tests.server.dev.running import MODEL, Server, User, texts, until
from threadkeep.testing import scripted_server

MIRIAM = "My sister Miriam moved to Lisbon in March and keeps two parrots."


def said(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


async def test_a_stream_has_the_words_the_updates_and_only_what_was_said(ada: User) -> None:
    thread = (await ada.client.threads.create())["thread_id"]
    seen: defaultdict[str, list[Any]] = defaultdict(list)
    modes: Any = ["messages-tuple", "updates", "custom"]
    async for part in ada.client.runs.stream(
        thread, "agent", input=said(MIRIAM), stream_mode=modes
    ):
        seen[part.event].append(part.data)
    nodes = [name for update in seen["updates"] for name in update]
    assert nodes[:3] == ["retrieve_memories", "trim_history", "call_model"]
    assert set(nodes[3:]) == {"store_turn", "summarize_history", "extract_entities"}
    chunks = [chunk for chunk, about in seen["messages"]]
    assert "".join(chunk["content"] for chunk in chunks).startswith("Noted: Miriam is your sister")
    assert {chunk["type"] for chunk in chunks} == {"AIMessageChunk"}
    assert "error" not in seen


async def test_a_thread_has_a_state_and_a_history(ada: User) -> None:
    thread = (await ada.client.threads.create())["thread_id"]
    await ada.say(thread, MIRIAM)
    answered = await ada.say(thread, "Where does my sister live?")
    assert "Lisbon" in texts(answered)[-1]
    state: Any = await ada.client.threads.get_state(thread)
    assert texts(state["values"])[0] == MIRIAM
    assert len(texts(state["values"])) == 4
    assert state["next"] == []
    history = await ada.client.threads.get_history(thread, limit=100)
    assert len(history) == 12
    one = await ada.client.threads.get_history(thread, limit=1)
    assert one[0]["checkpoint"] == state["checkpoint"]


async def test_memory_goes_from_thread_to_thread_and_to_runs_without_one(ada: User) -> None:
    first = (await ada.client.threads.create())["thread_id"]
    await ada.say(first, MIRIAM)
    second = (await ada.client.threads.create())["thread_id"]
    assert "Lisbon" in texts(await ada.say(second, "Where does my sister live?"))[-1]
    assert "Lisbon" in texts(await ada.say(None, "Where does my sister live?"))[-1]


async def test_a_run_from_an_older_state_is_a_branch_that_knows_nothing_of_the_other(
    ada: User,
) -> None:
    thread = (await ada.client.threads.create())["thread_id"]
    await ada.say(thread, "I live in Bergen.")
    before: Any = (await ada.client.threads.get_state(thread))["checkpoint"]
    await ada.say(thread, "I moved to Oslo.")
    answered = await ada.say(thread, "Where do I live?", checkpoint_id=before["checkpoint_id"])
    assert "Bergen" in texts(answered)[-1]
    assert "Oslo" not in str(answered)
    other = (await ada.client.threads.create())["thread_id"]
    assert "Oslo" not in texts(await ada.say(other, "Did I move to Oslo?"))[-1].replace(
        "Did I move to Oslo?", ""
    )


async def test_a_copied_thread_is_a_branch_of_its_own(ada: User) -> None:
    thread = (await ada.client.threads.create())["thread_id"]
    await ada.say(thread, "I live in Bergen.")
    copied = (await ada.http.post(f"/threads/{thread}/copy")).json()
    state: Any = await ada.client.threads.get_state(copied["thread_id"])
    assert texts(state["values"])[0] == "I live in Bergen."
    await ada.say(copied["thread_id"], "I moved to Oslo.")
    state = await ada.client.threads.get_state(thread)
    assert len(texts(state["values"])) == 2
    assert "Oslo" not in str(await ada.say(thread, "Where do I live?"))


async def test_a_run_stops_before_a_node_and_goes_on_when_it_is_told_to(ada: User) -> None:
    thread = (await ada.client.threads.create())["thread_id"]
    await ada.say(thread, MIRIAM, interrupt_before=["call_model"])
    state: Any = await ada.client.threads.get_state(thread)
    assert state["next"] == ["call_model"]
    assert (await ada.client.threads.get(thread))["status"] == "interrupted"
    done: Any = await ada.client.runs.wait(thread, "agent", input=None)
    assert "Noted" in texts(done)[-1]


async def test_a_deleted_thread_is_gone_with_its_messages_for_the_terminal_too(
    ada: User, server: Server
) -> None:
    thread = (await ada.client.threads.create())["thread_id"]
    await ada.say(thread, "The vault opens with tulip-4711.")
    await ada.client.threads.delete(thread)
    assert (await ada.http.get(f"/threads/{thread}")).status_code == 404
    assert (await ada.http.get(f"/threads/{thread}/state")).status_code == 404
    assert await ada.client.threads.search() == []
    found = await ada.client.store.search_items(["messages"], query="tulip")
    assert found["items"] == []
    assert server.run("threads", "list", "-u", ada.name).stdout == ""


async def test_threads_are_found_counted_and_given_metadata(ada: User) -> None:
    made = [(await ada.client.threads.create(metadata={"topic": t}))["thread_id"] for t in "ab"]
    await ada.client.threads.update(made[0], metadata={"topic": "c", "owner": "bob"})
    found = await ada.client.threads.search(metadata={"topic": "c"})
    assert [thread["thread_id"] for thread in found] == [made[0]]
    assert (found[0]["metadata"] or {})["owner"] == ada.name
    assert await ada.client.threads.count() == 2


async def test_items_of_ones_own_are_kept_found_and_deleted(ada: User) -> None:
    store = ada.client.store
    await store.put_item(["books"], "one", {"text": "A book about whales."})
    item: Any = await store.get_item(["books"], "one")
    assert item["value"] == {"text": "A book about whales."}
    found = await store.search_items(["books"], query="whales")
    assert [item["key"] for item in found["items"]] == ["one"]
    assert (await store.list_namespaces([]))["namespaces"] == [[ada.key, "books"]]
    await store.delete_item(["books"], "one")
    assert (await store.search_items([]))["items"] == []


async def test_an_assistant_keeps_choices_for_its_runs(ada: User) -> None:
    made = await ada.client.assistants.create("agent", context={"memory": "window", "window": 1})
    thread = (await ada.client.threads.create())["thread_id"]
    for text in ("I live in Bergen.", "I like whales.", "Where do I live?"):
        done: Any = await ada.client.runs.wait(
            thread, made["assistant_id"], input={"messages": text}
        )
    assert "Bergen" not in texts(done)[-1]


async def test_a_cron_runs_as_the_user_who_made_it(ada: User) -> None:
    thread = (await ada.client.threads.create())["thread_id"]
    cron: Any = await ada.client.crons.create_for_thread(
        thread, "agent", schedule="* * * * *", input=said("Hello there.")
    )
    found = await ada.client.crons.search()
    assert [each["cron_id"] for each in found] == [cron["cron_id"]]
    assert found[0]["metadata"]["owner"] == ada.name
    await ada.client.crons.delete(cron["cron_id"])
    assert await ada.client.crons.search() == []


@pytest.mark.parametrize("strategy", ["enqueue", "interrupt", "rollback", "reject"])
async def test_a_second_run_on_a_busy_thread(ada: User, server: Server, strategy: Any) -> None:
    async with scripted_server(port=server.model_port) as model:
        model.delay_first = 1.0
        thread = (await ada.client.threads.create())["thread_id"]
        first = await ada.client.runs.create(thread, "agent", input=said("One."), context=MODEL)
        await until(lambda: _asked(model))
        model.delay_first = 0.0
        again = await ada.http.post(
            f"/threads/{thread}/runs",
            json={
                "assistant_id": "agent",
                "input": said("Two."),
                "context": MODEL,
                "multitask_strategy": strategy,
            },
        )
        if strategy == "reject":
            assert again.status_code == 409
            await ada.client.runs.join(thread, first["run_id"])
        else:
            await ada.client.runs.join(thread, again.json()["run_id"])
        state: Any = await ada.client.threads.get_state(thread)
    kept = {
        "enqueue": ["One.", "One.", "Two.", "Two."],
        "interrupt": ["One.", "Two.", "Two."],
        "rollback": ["Two.", "Two."],
        "reject": ["One.", "One."],
    }
    assert texts(state["values"]) == kept[strategy]
    assert (await ada.client.threads.get(thread))["status"] == "idle"


async def test_a_run_that_is_cancelled_leaves_what_was_said_and_the_thread_free(
    ada: User, server: Server
) -> None:
    async with scripted_server(port=server.model_port) as model:
        model.delay_first = 30.0
        thread = (await ada.client.threads.create())["thread_id"]
        run = await ada.client.runs.create(thread, "agent", input=said("One."), context=MODEL)
        await until(lambda: _asked(model))
        await ada.client.runs.cancel(thread, run["run_id"], wait=True)
        assert (await ada.client.runs.get(thread, run["run_id"]))["status"] == "interrupted"
    done = await ada.say(thread, "My name is Ada.")
    assert texts(done)[0] == "One."
    assert "Noted" in texts(done)[-1]


async def test_a_run_is_joined_while_it_goes_on(ada: User, server: Server) -> None:
    async with scripted_server(port=server.model_port) as model:
        model.delay_first = 1.0
        thread = (await ada.client.threads.create())["thread_id"]
        run = await ada.client.runs.create(
            thread,
            "agent",
            input=said("One two three."),
            context=MODEL,
            stream_mode=["messages-tuple"],
            stream_resumable=True,
        )
        joined = [part async for part in ada.client.runs.join_stream(thread, run["run_id"])]
    words = [part.data[0]["content"] for part in joined if part.event == "messages"]
    assert "".join(words) == "One two three."
    assert [each["run_id"] for each in await ada.client.runs.list(thread)] == [run["run_id"]]


async def test_runs_of_many_threads_go_on_side_by_side(ada: User, server: Server) -> None:
    async with scripted_server(port=server.model_port) as model:
        model.delay_first = 2.0
        threads = [(await ada.client.threads.create())["thread_id"] for _ in range(4)]
        waiting = [
            asyncio.create_task(ada.say(thread, f"Thread {at}.", context=MODEL))
            for at, thread in enumerate(threads)
        ]
        # All of them are asked before the first is answered.
        await until(lambda: _asked(model, 4))
        model.delay_first = 0.0
        done = await asyncio.gather(*waiting)
    assert [texts(each)[-1] for each in done] == [f"Thread {at}." for at in range(4)]


async def _asked(model: Any, times: int = 1) -> bool:
    return len(model.requests) >= times
