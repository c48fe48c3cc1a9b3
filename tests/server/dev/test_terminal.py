"""The terminal and the server use the same threads, one after the other and at once."""

import asyncio
from typing import Any

from tests.server.dev.running import MODEL, Server, User, texts, wait_until
from threadkeep.testing import scripted_server

MIRIAM = "My sister Miriam moved to Lisbon in March and keeps two parrots."


async def test_the_server_continues_a_thread_of_the_terminal_and_back(
    ada: User, server: Server
) -> None:
    server.run("ask", "-u", ada.name, "-t", "trip", MIRIAM)
    (thread_row,) = await ada.client.threads.search()
    assert (thread_row["metadata"] or {})["thread_name"] == "trip"
    thread = thread_row["thread_id"]
    state: Any = await ada.client.threads.get_state(thread)
    assert texts(state["values"])[0] == MIRIAM
    assert "Lisbon" in texts(await ada.say(thread, "Where does my sister live?"))[-1]
    lines = server.run("threads", "show", "trip", "-u", ada.name).stdout.splitlines()
    assert len(lines) == 4
    assert "Where does my sister live?" in lines[2]
    server.run("ask", "-u", ada.name, "-t", "trip", "I work at Initech.")
    state = await ada.client.threads.get_state(thread)
    assert len(texts(state["values"])) == 6


async def test_the_terminal_continues_a_thread_of_the_server_by_its_id(
    ada: User, server: Server
) -> None:
    thread = (await ada.client.threads.create())["thread_id"]
    await ada.say(thread, MIRIAM)
    assert thread in server.run("threads", "list", "-u", ada.name).stdout
    process = server.run("ask", "-u", ada.name, "-t", thread, "Where does my sister live?")
    assert "Lisbon" in process.stdout
    state: Any = await ada.client.threads.get_state(thread)
    assert len(texts(state["values"])) == 4


async def test_a_thread_created_on_the_server_by_name_has_that_name_in_the_terminal(
    ada: User, server: Server
) -> None:
    response = await ada.http.post("/threads", json={"metadata": {"thread_name": "trip"}})
    assert response.status_code == 422
    row = (await ada.http.get("/me/threads", params={"name": "trip"})).json()["threads"][0]
    assert row["thread_id"] in response.json()["detail"]
    await ada.client.threads.create(thread_id=row["thread_id"], metadata={"thread_name": "trip"})
    await ada.say(row["thread_id"], MIRIAM)
    assert server.run("threads", "list", "-u", ada.name).stdout.strip().endswith("trip")


async def test_a_thread_deleted_in_the_terminal_is_missing_on_the_server(
    ada: User, server: Server
) -> None:
    threads = [(await ada.client.threads.create())["thread_id"] for _ in range(2)]
    for thread in threads:
        await ada.say(thread, "The vault opens with tulip-4711.")
        # The server must remove the vectors, which hold no text: the receipt says so.
        process = server.run("threads", "delete", thread, "-u", ada.name, "--yes", code=1)
        assert "Left to do: the vector index is open in another process" in process.stdout
    assert (await ada.http.get(f"/threads/{threads[0]}")).status_code == 404
    assert await ada.client.threads.search() == []


async def test_concurrent_turns_run_one_after_the_other_and_none_is_lost(
    ada: User, server: Server
) -> None:
    server.run("ask", "-u", ada.name, "-t", "trip", "I live in Bergen.")
    (thread_row,) = await ada.client.threads.search()
    async with scripted_server(port=server.model_port) as model:
        model.delay_first = 3.0
        slow = asyncio.create_task(ada.say(thread_row["thread_id"], "One.", context=MODEL))
        await wait_until(lambda: _was_called(model))
        model.delay_first = 0.0
        in_terminal = [
            asyncio.to_thread(server.run, "ask", "-u", ada.name, "-t", "trip", f"Note {at}.")
            for at in range(2)
        ]
        await asyncio.gather(slow, *in_terminal)
    state: Any = await ada.client.threads.get_state(thread_row["thread_id"])
    user_texts = [m["content"] for m in state["values"]["messages"] if m["type"] == "human"]
    assert user_texts[:2] == ["I live in Bergen.", "One."]
    assert sorted(user_texts[2:]) == ["Note 0.", "Note 1."]
    assert len(texts(state["values"])) == 8
    lines = server.run("threads", "show", "trip", "-u", ada.name).stdout.splitlines()
    assert len(lines) == 8


async def test_the_context_set_for_a_thread_applies_on_the_server(
    ada: User, server: Server
) -> None:
    server.run("ask", "-u", ada.name, "-t", "trip", "I live in Bergen.")
    options = ("--memory", "window", "--context", "window=1")
    server.run("threads", "set", "trip", *options, "-u", ada.name)
    (thread_row,) = await ada.client.threads.search()
    await ada.say(thread_row["thread_id"], "I like whales.")
    answered = texts(await ada.say(thread_row["thread_id"], "Where do I live?"))
    assert "Bergen" not in answered[-1]


async def _was_called(model: Any) -> bool:
    return bool(model.requests)
