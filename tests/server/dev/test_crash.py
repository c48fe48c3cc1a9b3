"""After a stop or a kill, a server has all threads again, for their owners alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.server.dev.running import MODEL, Server, new_server, texts, wait_until
from threadkeep.testing import ScriptedServer, scripted_server

SECRET = "The vault opens with tulip-4711."


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = new_server(tmp_path)
    yield server
    if server.process is not None and server.process.poll() is None:
        server.kill()


async def test_a_killed_server_restarts_with_all_threads_of_each_owner_alone(
    server: Server,
) -> None:
    ada, bob = await server.user("ada"), await server.user("bob")
    server.start()
    thread = (await ada.client.threads.create())["thread_id"]
    await ada.say(thread, SECRET)
    # Before LangGraph's server has stored that the thread exists.
    server.kill()
    server.start(langgraph_dev=True)
    for path in (f"/threads/{thread}", f"/threads/{thread}/state"):
        assert (await bob.http.get(path)).status_code == 404
    body = {"thread_id": thread, "if_exists": "do_nothing"}
    assert (await bob.http.post("/threads", json=body)).status_code == 404
    run = {"assistant_id": "agent", "input": {"messages": "x"}, "if_not_exists": "create"}
    assert (await bob.http.post(f"/threads/{thread}/runs", json=run)).status_code == 404
    assert (await bob.client.threads.search()) == []
    state: Any = await ada.client.threads.get_state(thread)
    assert texts(state["values"])[0] == SECRET
    assert [row["thread_id"] for row in await ada.client.threads.search()] == [thread]
    assert "tulip-4711" in texts(await ada.say(thread, "What opens the vault?"))[-1]


@pytest.mark.parametrize("gently", [False, True])
async def test_an_interrupted_run_is_finished_once_after_a_restart(
    server: Server, gently: bool
) -> None:
    ada = await server.user("ada")
    async with scripted_server(port=server.model_port) as model:
        server.start(THREADKEEP_MODEL="openai/scripted")
        model.delay_first = 600.0
        thread = (await ada.client.threads.create())["thread_id"]
        run_input: dict[str, Any] = {"messages": [{"role": "user", "content": "One."}]}
        await ada.client.runs.create(thread, "agent", input=run_input, context=MODEL)
        await wait_until(lambda: _was_called(model))
        server.stop() if gently else server.kill()
        model.delay_first = 0.0
        server.start(THREADKEEP_MODEL="openai/scripted")

        async def finished() -> bool:
            state: Any = await ada.client.threads.get_state(thread)
            return not state["next"] and len(state["values"].get("messages", ())) > 1

        await wait_until(finished)
        await wait_until(lambda: _idle(ada, thread))
        state: Any = await ada.client.threads.get_state(thread)
    assert texts(state["values"]) == ["One.", "One."]
    lines = server.run("threads", "show", thread, "-u", "ada").stdout.splitlines()
    assert len(lines) == 2


async def _was_called(model: ScriptedServer) -> bool:
    return bool(model.requests)


async def _idle(user: Any, thread: str) -> bool:
    runs = await user.client.runs.list(thread)
    return all(run["status"] not in ("pending", "running") for run in runs)
