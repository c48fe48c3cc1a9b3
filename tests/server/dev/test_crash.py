"""What a server was told is there when it comes back, however it went, and is its owner's alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.dev.running import MODEL, Server, new_server, texts, until
from threadkeep.testing import ScriptedServer, scripted_server

SECRET = "The vault opens with tulip-4711."


@pytest.fixture
def mortal(tmp_path: Path) -> Iterator[Server]:
    server = new_server(tmp_path)
    yield server
    if server.process is not None and server.process.poll() is None:
        server.kill()


async def test_a_killed_server_comes_back_with_every_thread_for_its_owner_alone(
    mortal: Server,
) -> None:
    ada, bob = await mortal.user("ada"), await mortal.user("bob")
    mortal.start()
    thread = (await ada.client.threads.create())["thread_id"]
    await ada.say(thread, SECRET)
    # Sooner than LangGraph's server writes down that there is such a thread.
    mortal.kill()
    mortal.start(plain=True)
    for path in (f"/threads/{thread}", f"/threads/{thread}/state"):
        assert (await bob.http.get(path)).status_code == 404
    taken = {"thread_id": thread, "if_exists": "do_nothing"}
    assert (await bob.http.post("/threads", json=taken)).status_code == 404
    run = {"assistant_id": "agent", "input": {"messages": "x"}, "if_not_exists": "create"}
    assert (await bob.http.post(f"/threads/{thread}/runs", json=run)).status_code == 404
    assert (await bob.client.threads.search()) == []
    state: Any = await ada.client.threads.get_state(thread)
    assert texts(state["values"])[0] == SECRET
    assert [each["thread_id"] for each in await ada.client.threads.search()] == [thread]
    assert "tulip-4711" in texts(await ada.say(thread, "What opens the vault?"))[-1]


@pytest.mark.parametrize("gently", [False, True])
async def test_a_run_that_was_cut_off_is_finished_and_asked_once(
    mortal: Server, gently: bool
) -> None:
    ada = await mortal.user("ada")
    async with scripted_server(port=mortal.model_port) as model:
        mortal.start(THREADKEEP_MODEL="openai/scripted")
        model.delay_first = 600.0
        thread = (await ada.client.threads.create())["thread_id"]
        given: dict[str, Any] = {"messages": [{"role": "user", "content": "One."}]}
        await ada.client.runs.create(thread, "agent", input=given, context=MODEL)
        await until(lambda: _asked(model))
        mortal.stop() if gently else mortal.kill()
        model.delay_first = 0.0
        mortal.start(THREADKEEP_MODEL="openai/scripted")

        async def finished() -> bool:
            state: Any = await ada.client.threads.get_state(thread)
            return not state["next"] and len(state["values"].get("messages", ())) > 1

        await until(finished)
        await until(lambda: _idle(ada, thread))
        state: Any = await ada.client.threads.get_state(thread)
    assert texts(state["values"]) == ["One.", "One."]
    shown = mortal.run("threads", "show", thread, "-u", "ada").stdout.splitlines()
    assert len(shown) == 2


async def _asked(model: ScriptedServer) -> bool:
    return bool(model.requests)


async def _idle(user: Any, thread: str) -> bool:
    runs = await user.client.runs.list(thread)
    return all(run["status"] not in ("pending", "running") for run in runs)
