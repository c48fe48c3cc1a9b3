"""Runs over HTTP with LangGraph's own client: streams, states, forks, and runs side by side."""

import asyncio
from collections import defaultdict
from typing import Any

import pytest

from tests.server.dev.running import MODEL, Server, User, texts, wait_until
from threadkeep.testing import scripted_server

MIRIAM = "My sister Miriam moved to Lisbon in March and keeps two parrots."


def message_input(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


async def test_a_stream_has_the_updates_and_the_tokens_of_the_reply_alone(ada: User) -> None:
    thread = (await ada.client.threads.create())["thread_id"]
    events: defaultdict[str, list[Any]] = defaultdict(list)
    modes: Any = ["messages-tuple", "updates", "custom"]
    async for part in ada.client.runs.stream(
        thread, "agent", input=message_input(MIRIAM), stream_mode=modes
    ):
        events[part.event].append(part.data)
    nodes = [name for update in events["updates"] for name in update]
    assert nodes[:3] == ["retrieve_memories", "trim_history", "call_model"]
    assert set(nodes[3:]) == {"store_turn", "summarize_history", "extract_entities"}
    chunks = [chunk for chunk, about in events["messages"]]
    assert "".join(chunk["content"] for chunk in chunks).startswith("Noted: Miriam is your sister")
    assert {chunk["type"] for chunk in chunks} == {"AIMessageChunk"}
    assert "error" not in events


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
    sources = [(state["metadata"] or {}).get("source") for state in history]
    assert len(history) == sources.index("input") + 2, "of the finished turn its end stays"
    one = await ada.client.threads.get_history(thread, limit=1)
    assert one[0]["checkpoint"] == state["checkpoint"]


async def test_other_threads_and_runs_without_a_thread_share_the_memory(ada: User) -> None:
    first = (await ada.client.threads.create())["thread_id"]
    await ada.say(first, MIRIAM)
    second = (await ada.client.threads.create())["thread_id"]
    assert "Lisbon" in texts(await ada.say(second, "Where does my sister live?"))[-1]
    assert "Lisbon" in texts(await ada.say(None, "Where does my sister live?"))[-1]


async def test_a_run_from_an_older_state_is_a_branch_without_newer_memories(
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


async def test_a_run_stops_before_a_node_and_can_be_resumed(ada: User) -> None:
    thread = (await ada.client.threads.create())["thread_id"]
    await ada.say(thread, MIRIAM, interrupt_before=["call_model"])
    state: Any = await ada.client.threads.get_state(thread)
    assert state["next"] == ["call_model"]
    assert (await ada.client.threads.get(thread))["status"] == "interrupted"
    output: Any = await ada.client.runs.wait(thread, "agent", input=None)
    assert "Noted" in texts(output)[-1]


async def test_a_deleted_thread_is_missing_in_the_terminal_and_in_search(
    ada: User, server: Server
) -> None:
    thread = (await ada.client.threads.create())["thread_id"]
    await ada.say(thread, "The vault opens with tulip-4711.")
    await ada.client.threads.delete(thread)
    assert (await ada.http.get(f"/threads/{thread}")).status_code == 404
    assert (await ada.http.get(f"/threads/{thread}/state")).status_code == 404
    assert await ada.client.threads.search() == []
    items = await ada.client.store.search_items(["messages"], query="tulip")
    assert items["items"] == []
    assert server.run("threads", "list", "-u", ada.name).stdout == ""


async def test_threads_are_searched_counted_and_updated(ada: User) -> None:
    thread_ids = [
        (await ada.client.threads.create(metadata={"topic": t}))["thread_id"] for t in "ab"
    ]
    await ada.client.threads.update(thread_ids[0], metadata={"topic": "c", "owner": "bob"})
    threads = await ada.client.threads.search(metadata={"topic": "c"})
    assert [thread["thread_id"] for thread in threads] == [thread_ids[0]]
    assert (threads[0]["metadata"] or {})["owner"] == ada.name
    assert await ada.client.threads.count() == 2


async def test_own_items_are_stored_searched_and_deleted(ada: User) -> None:
    store = ada.client.store
    await store.put_item(["books"], "one", {"text": "A book about whales."})
    item: Any = await store.get_item(["books"], "one")
    assert item["value"] == {"text": "A book about whales."}
    items = await store.search_items(["books"], query="whales")
    assert [item["key"] for item in items["items"]] == ["one"]
    assert (await store.list_namespaces([]))["namespaces"] == [[ada.owner, "books"]]
    await store.delete_item(["books"], "one")
    assert (await store.search_items([]))["items"] == []


async def test_the_context_of_an_assistant_applies_to_its_runs(ada: User) -> None:
    assistant = await ada.client.assistants.create(
        "agent", context={"memory": "window", "window": 1}
    )
    thread = (await ada.client.threads.create())["thread_id"]
    for text in ("I live in Bergen.", "I like whales.", "Where do I live?"):
        output: Any = await ada.client.runs.wait(
            thread, assistant["assistant_id"], input={"messages": text}
        )
    assert "Bergen" not in texts(output)[-1]


async def test_a_cron_belongs_to_the_user_who_created_it(ada: User) -> None:
    thread = (await ada.client.threads.create())["thread_id"]
    cron: Any = await ada.client.crons.create_for_thread(
        thread, "agent", schedule="* * * * *", input=message_input("Hello there.")
    )
    crons = await ada.client.crons.search()
    assert [row["cron_id"] for row in crons] == [cron["cron_id"]]
    assert crons[0]["metadata"]["owner"] == ada.name
    await ada.client.crons.delete(cron["cron_id"])
    assert await ada.client.crons.search() == []


@pytest.mark.parametrize("strategy", ["enqueue", "interrupt", "rollback", "reject"])
async def test_a_second_run_on_a_busy_thread(ada: User, server: Server, strategy: Any) -> None:
    async with scripted_server(port=server.model_port) as model:
        model.delay_first = 1.0
        thread = (await ada.client.threads.create())["thread_id"]
        first = await ada.client.runs.create(
            thread, "agent", input=message_input("One."), context=MODEL
        )
        await wait_until(lambda: _was_called(model))
        model.delay_first = 0.0
        response = await ada.http.post(
            f"/threads/{thread}/runs",
            json={
                "assistant_id": "agent",
                "input": message_input("Two."),
                "context": MODEL,
                "multitask_strategy": strategy,
            },
        )
        if strategy == "reject":
            assert response.status_code == 409
            await ada.client.runs.join(thread, first["run_id"])
        else:
            await ada.client.runs.join(thread, response.json()["run_id"])
        state: Any = await ada.client.threads.get_state(thread)
    expected = {
        "enqueue": ["One.", "One.", "Two.", "Two."],
        "interrupt": ["One.", "Two.", "Two."],
        "rollback": ["Two.", "Two."],
        "reject": ["One.", "One."],
    }
    assert texts(state["values"]) == expected[strategy]
    assert (await ada.client.threads.get(thread))["status"] == "idle"


async def test_a_cancelled_run_leaves_the_message_and_releases_the_thread(
    ada: User, server: Server
) -> None:
    async with scripted_server(port=server.model_port) as model:
        model.delay_first = 30.0
        thread = (await ada.client.threads.create())["thread_id"]
        run = await ada.client.runs.create(
            thread, "agent", input=message_input("One."), context=MODEL
        )
        await wait_until(lambda: _was_called(model))
        await ada.client.runs.cancel(thread, run["run_id"], wait=True)
        assert (await ada.client.runs.get(thread, run["run_id"]))["status"] == "interrupted"
    output = await ada.say(thread, "My name is Ada.")
    assert texts(output)[0] == "One."
    assert "Noted" in texts(output)[-1]


async def test_a_run_can_be_joined_while_it_runs(ada: User, server: Server) -> None:
    async with scripted_server(port=server.model_port) as model:
        model.delay_first = 1.0
        thread = (await ada.client.threads.create())["thread_id"]
        run = await ada.client.runs.create(
            thread,
            "agent",
            input=message_input("One two three."),
            context=MODEL,
            stream_mode=["messages-tuple"],
            stream_resumable=True,
        )
        events = [part async for part in ada.client.runs.join_stream(thread, run["run_id"])]
    words = [part.data[0]["content"] for part in events if part.event == "messages"]
    assert "".join(words) == "One two three."
    assert [row["run_id"] for row in await ada.client.runs.list(thread)] == [run["run_id"]]


async def test_runs_of_many_threads_run_concurrently(ada: User, server: Server) -> None:
    async with scripted_server(port=server.model_port) as model:
        model.delay_first = 2.0
        threads = [(await ada.client.threads.create())["thread_id"] for _ in range(4)]
        waiting = [
            asyncio.create_task(ada.say(thread, f"Thread {at}.", context=MODEL))
            for at, thread in enumerate(threads)
        ]
        # The model gets all requests before it answers the first.
        await wait_until(lambda: _was_called(model, 4))
        model.delay_first = 0.0
        outputs = await asyncio.gather(*waiting)
    assert [texts(output)[-1] for output in outputs] == [f"Thread {at}." for at in range(4)]


async def _was_called(model: Any, times: int = 1) -> bool:
    return len(model.requests) >= times
