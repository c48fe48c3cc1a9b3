"""The terminal and the server work on the same threads, in turn and at once."""

import asyncio
from typing import Any

from tests.server.dev.running import MODEL, Server, User, texts, until
from threadkeep.testing import scripted_server

MIRIAM = "My sister Miriam moved to Lisbon in March and keeps two parrots."


async def test_a_thread_of_the_terminal_goes_on_on_the_server_and_back(
    ada: User, server: Server
) -> None:
    server.run("ask", "-u", ada.name, "-t", "trip", MIRIAM)
    (found,) = await ada.client.threads.search()
    assert (found["metadata"] or {})["thread_name"] == "trip"
    thread = found["thread_id"]
    state: Any = await ada.client.threads.get_state(thread)
    assert texts(state["values"])[0] == MIRIAM
    assert "Lisbon" in texts(await ada.say(thread, "Where does my sister live?"))[-1]
    shown = server.run("threads", "show", "trip", "-u", ada.name).stdout.splitlines()
    assert len(shown) == 4
    assert "Where does my sister live?" in shown[2]
    server.run("ask", "-u", ada.name, "-t", "trip", "I work at Initech.")
    state = await ada.client.threads.get_state(thread)
    assert len(texts(state["values"])) == 6


async def test_a_thread_of_the_server_goes_on_in_the_terminal_by_its_id(
    ada: User, server: Server
) -> None:
    thread = (await ada.client.threads.create())["thread_id"]
    await ada.say(thread, MIRIAM)
    assert thread in server.run("threads", "list", "-u", ada.name).stdout
    asked = server.run("ask", "-u", ada.name, "-t", thread, "Where does my sister live?")
    assert "Lisbon" in asked.stdout
    state: Any = await ada.client.threads.get_state(thread)
    assert len(texts(state["values"])) == 4


async def test_a_thread_is_begun_on_the_server_by_the_name_it_has_in_the_terminal(
    ada: User, server: Server
) -> None:
    wrong = await ada.http.post("/threads", json={"metadata": {"thread_name": "trip"}})
    assert wrong.status_code == 422
    named = (await ada.http.get("/me/threads", params={"name": "trip"})).json()["threads"][0]
    assert named["thread_id"] in wrong.json()["detail"]
    await ada.client.threads.create(thread_id=named["thread_id"], metadata={"thread_name": "trip"})
    await ada.say(named["thread_id"], MIRIAM)
    assert server.run("threads", "list", "-u", ada.name).stdout.strip().endswith("trip")


async def test_a_thread_that_the_terminal_deletes_is_gone_on_the_server(
    ada: User, server: Server
) -> None:
    threads = [(await ada.client.threads.create())["thread_id"] for _ in range(2)]
    for thread in threads:
        await ada.say(thread, "The vault opens with tulip-4711.")
        # Vectors, which hold no text, are the server's to clean: the receipt says so.
        deleted = server.run("threads", "delete", thread, "-u", ada.name, "--yes", code=1)
        assert "Left to do: the vector index is open in another process" in deleted.stdout
    assert (await ada.http.get(f"/threads/{threads[0]}")).status_code == 404
    assert await ada.client.threads.search() == []


async def test_turns_at_once_come_one_after_the_other_and_none_is_lost(
    ada: User, server: Server
) -> None:
    server.run("ask", "-u", ada.name, "-t", "trip", "I live in Bergen.")
    (found,) = await ada.client.threads.search()
    async with scripted_server(port=server.model_port) as model:
        model.delay_first = 3.0
        slow = asyncio.create_task(ada.say(found["thread_id"], "One.", context=MODEL))
        await until(lambda: _asked(model))
        model.delay_first = 0.0
        in_terminal = [
            asyncio.to_thread(server.run, "ask", "-u", ada.name, "-t", "trip", f"Note {at}.")
            for at in range(2)
        ]
        await asyncio.gather(slow, *in_terminal)
    state: Any = await ada.client.threads.get_state(found["thread_id"])
    said = [m["content"] for m in state["values"]["messages"] if m["type"] == "human"]
    assert said[:2] == ["I live in Bergen.", "One."]
    assert sorted(said[2:]) == ["Note 0.", "Note 1."]
    assert len(texts(state["values"])) == 8
    shown = server.run("threads", "show", "trip", "-u", ada.name).stdout.splitlines()
    assert len(shown) == 8


async def test_what_is_chosen_for_a_thread_holds_on_the_server(ada: User, server: Server) -> None:
    server.run("ask", "-u", ada.name, "-t", "trip", "I live in Bergen.")
    chosen = ("--memory", "window", "--context", "window=1")
    server.run("threads", "set", "trip", *chosen, "-u", ada.name)
    (found,) = await ada.client.threads.search()
    await ada.say(found["thread_id"], "I like whales.")
    answered = texts(await ada.say(found["thread_id"], "Where do I live?"))
    assert "Bergen" not in answered[-1]


async def _asked(model: Any) -> bool:
    return bool(model.requests)
