"""`threadkeep serve --workers`: many users, no licence, with LangGraph's own clients."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import httpx
import pytest
from langgraph.pregel.remote import RemoteException, RemoteGraph

from benchmarks.serving import ready, start_server
from tests.backends import ROOT
from tests.server.http.helpers import Servers
from threadkeep.testing import Fault

pytestmark = pytest.mark.asyncio(loop_scope="module")
SECRET = "The vault opens with tulip-4711."
HI: Any = {"messages": [{"role": "user", "content": "hi"}]}


async def test_a_run_streams_tokens_and_updates_and_the_thread_continues(servers: Servers) -> None:
    ada = await servers.client("ada")
    thread = await ada.threads.create(metadata={"thread_name": "trip", "colour": "green"})
    run_input: Any = {"messages": [{"role": "user", "content": "I live in Bergen."}]}
    events = [
        event
        async for event in ada.runs.stream(
            thread["thread_id"], "agent", input=run_input, stream_mode=["messages-tuple", "updates"]
        )
    ]
    assert events[0].event == "metadata"
    pieces = [
        e.data[0]["content"]
        for e in events
        if e.event == "messages" and e.data[0]["type"] == "AIMessageChunk"
    ]
    assert "".join(pieces) == "Noted: you live in Bergen."
    nodes = [node for e in events if e.event == "updates" for node in e.data]
    assert nodes[:3] == ["retrieve_memories", "trim_history", "call_model"]
    assert set(nodes[3:]) == {"store_turn", "summarize_history", "extract_entities"}
    next_input: Any = {"messages": [{"role": "user", "content": "Where do I live?"}]}
    output: Any = await ada.runs.wait(thread["thread_id"], "agent", input=next_input)
    assert "Bergen" in output["messages"][-1]["content"]
    state: Any = await ada.threads.get_state(thread["thread_id"])
    assert len(state["values"]["messages"]) == 4
    assert state["next"] == []
    rows: Any = await ada.threads.search(metadata={"colour": "green"})
    (row,) = rows
    assert row["thread_id"] == thread["thread_id"]
    assert row["metadata"]["thread_name"] == "trip"
    assert row["status"] == "idle"


async def test_any_state_is_read_and_changed_and_memory_follows(servers: Servers) -> None:
    ada = await servers.client("editor")
    thread = (await ada.threads.create())["thread_id"]
    graph = RemoteGraph("agent", client=ada)
    config: Any = {"configurable": {"thread_id": thread}}
    for text in ("I live in Bergen.", "I moved to Oslo."):
        await graph.ainvoke({"messages": [{"role": "user", "content": text}]}, config)
    history = [state async for state in graph.aget_state_history(config, limit=100)]
    assert history[0].values["messages"][-1]["content"] == "Noted: you moved to Oslo."
    before = next(state for state in history if len(state.values.get("messages", ())) == 2)
    await graph.aupdate_state(before.config, None, "__copy__")
    assert len((await graph.aget_state(config)).values["messages"]) == 2
    items = await ada.store.search_items([], query="Where do I live?")
    assert "Oslo" not in json.dumps(items)
    assert "Bergen" in json.dumps(items)
    with pytest.raises(httpx.HTTPStatusError) as refused:
        await ada.threads.update_state(thread, {"colour": "green"})
    assert "there is no field 'colour'" in refused.value.response.text


async def test_the_thread_of_another_user_is_missing_on_every_route(servers: Servers) -> None:
    ada, bob = await servers.client("ada"), await servers.client("bob")
    thread = (await ada.threads.create())["thread_id"]
    run_input: Any = {"messages": [{"role": "user", "content": SECRET}]}
    await ada.runs.wait(thread, "agent", input=run_input)
    tries: list[Callable[[], Any]] = [
        lambda: bob.threads.get(thread),
        lambda: bob.threads.create(thread_id=thread),
        lambda: bob.threads.create(thread_id=thread, if_exists="do_nothing"),
        lambda: bob.threads.update(thread, metadata={"a": 1}),
        lambda: bob.threads.delete(thread),
        lambda: bob.threads.get_state(thread),
        lambda: bob.threads.get_history(thread),
        lambda: bob.threads.update_state(thread, {"summary": "mine"}),
        lambda: bob.runs.wait(thread, "agent", input=HI),
        lambda: bob.runs.wait(thread, "agent", input=HI, if_not_exists="create"),
        lambda: bob.http.post(f"/me/threads/{thread}/undo", json={}),
    ]
    for attempt in tries:
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await attempt()
        assert refused.value.response.status_code == 404
        assert "tulip" not in refused.value.response.text
    listed: Any = await ada.store.list_namespaces([])
    hers = listed["namespaces"][0]
    for read in (
        await bob.store.search_items([], query=SECRET),
        await bob.store.search_items(hers, query=SECRET),
        await bob.store.list_namespaces(hers[:1]),
        await bob.threads.search(),
    ):
        assert "tulip" not in json.dumps(read)
        assert thread not in json.dumps(read)
    state: Any = await ada.threads.get_state(thread)
    assert len(state["values"]["messages"]) == 2


async def test_without_a_token_only_the_health_of_the_server_is_readable(servers: Servers) -> None:
    url = servers.server.url
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.get("/ok")).json() == {"ok": True}
        assert (await client.get("/ready")).json() == {"ok": True}
        for method, path in (("GET", "/me/export"), ("POST", "/threads/search"), ("GET", "/x")):
            for token in ("", "Bearer nonsense", "Basic eDp5", f"Bearer {'x' * 5_000}"):
                response = await client.request(method, path, headers={"Authorization": token})
                assert response.status_code == 401, (method, path, token)
                assert "threadkeep user add" in response.json()["detail"]


@pytest.mark.parametrize(
    ("fields", "status", "detail"),
    [
        ({"input": {"messages": "hi"}, "context": {"tempo": 3}}, 422, "no field 'tempo'"),
        ({"input": HI, "context": {"max_tokens": 9}}, 422, "max_tokens 9 is not allowed"),
        ({"input": HI, "context": {"user_id": "bob"}}, 422, "user_id 'bob'"),
        ({"input": HI, "context": "hybrid"}, 422, "context is not a JSON object"),
        ({"input": HI, "config": {"configurable": 3}}, 422, "configurable is not a JSON object"),
        ({"input": {"colour": "green"}}, 422, "one field, messages"),
        ({"input": {"messages": "x" * 40_000}}, 413, "the limit is 32,000"),
        ({"input": HI, "stream_mode": "everything"}, 422, "stream_mode 'everything'"),
        ({"input": HI, "multitask_strategy": "rollback"}, 422, "'rollback' is not offered"),
        ({"input": HI, "command": {"resume": 1}}, 422, "command is not offered"),
        ({"input": HI, "assistant_id": "butler"}, 422, "no assistant 'butler'"),
        ([1, 2], 422, "not a JSON object"),
        ({"input": "y" * 3_000_000}, 413, "larger than 2,000,000 bytes"),
    ],
)
async def test_bad_input_is_one_sentence_and_the_server_stays_up(
    servers: Servers, fields: Any, status: int, detail: str
) -> None:
    ada = await servers.client("ada")
    thread = (await ada.threads.create())["thread_id"]
    body = {"assistant_id": "agent", **fields} if isinstance(fields, dict) else fields
    response = await ada.http.client.post(f"/threads/{thread}/runs/stream", json=body)
    assert response.status_code == status, response.text
    assert detail in response.json()["detail"]
    assert "\n" not in response.json()["detail"]


async def test_an_error_inside_a_node_reaches_the_client_as_a_sentence(servers: Servers) -> None:
    ada = await servers.client("ada")
    thread = (await ada.threads.create())["thread_id"]
    servers.model.script(Fault(status=401, body={"error": {"message": "no such key"}}))
    graph = RemoteGraph("agent", client=ada)
    config: Any = {"configurable": {"thread_id": thread}}
    with pytest.raises(RemoteException) as raised:
        await graph.ainvoke(HI, config, context={"model": "scripted"})
    error = raised.value.args[0]
    assert "key" in error["message"]
    assert "Traceback" not in error["message"]
    servers.model.script(Fault(status=401, body={"error": {"message": "no such key"}}))
    with pytest.raises(httpx.HTTPStatusError) as refused:
        await ada.runs.wait(thread, "agent", input=HI, context={"model": "scripted"})
    assert refused.value.response.status_code in (422, 502)


async def test_concurrent_runs_of_one_thread_are_queued_and_none_is_lost(servers: Servers) -> None:
    ada = await servers.client("ada")
    thread = (await ada.threads.create())["thread_id"]

    def say(number: int, **options: Any) -> Any:
        run_input: Any = {
            "messages": [{"role": "user", "content": f"My parrot number {number} is grey."}]
        }
        return ada.runs.wait(thread, "agent", input=run_input, **options)

    await asyncio.gather(*(say(number) for number in range(4)))
    state: Any = await ada.threads.get_state(thread)
    user_texts = " ".join(m["content"] for m in state["values"]["messages"] if m["type"] == "human")
    assert all(f"number {number}" in user_texts for number in range(4))
    servers.model.delay_first = 1.0
    try:
        slow = asyncio.create_task(say(5, context={"model": "scripted"}))
        await asyncio.sleep(0.5)
        with pytest.raises(httpx.HTTPStatusError) as refused:
            await say(6, multitask_strategy="reject")
        assert refused.value.response.status_code == 409
        assert "busy" in refused.value.response.text
        await slow
    finally:
        servers.model.delay_first = 0.0


async def test_a_run_continues_after_a_disconnect_unless_the_client_cancels_it(
    servers: Servers,
) -> None:
    ada = await servers.client("ada")
    servers.model.delay_first = 1.0
    try:
        for on_disconnect, messages in (("continue", 2), ("cancel", 1)):
            thread = (await ada.threads.create())["thread_id"]
            options: Any = {"on_disconnect": on_disconnect, "context": {"model": "scripted"}}
            stream: Any = ada.runs.stream(
                thread, "agent", input=HI, stream_mode="updates", **options
            )
            async with aclosing(stream):
                async for event in stream:
                    if event.event == "updates":
                        break
            for _ in range(100):
                if (await ada.threads.get(thread))["status"] == "idle":
                    break
                await asyncio.sleep(0.1)
            state: Any = await ada.threads.get_state(thread)
            assert len(state["values"]["messages"]) == messages
    finally:
        servers.model.delay_first = 0.0


async def test_a_server_that_is_stopped_finishes_its_runs(servers: Servers, tmp_path: Path) -> None:
    server = start_server(servers.env, tmp_path / "log")
    servers.server, first = server, servers.server
    servers.model.delay_first = 1.5
    try:
        await ready(server)
        ada = await servers.client("ada")
        thread = (await ada.threads.create())["thread_id"]
        run = asyncio.create_task(
            ada.runs.wait(thread, "agent", input=HI, context={"model": "scripted"})
        )
        await asyncio.sleep(1.0)
        code = await asyncio.to_thread(server.stop)
        output: Any = await run
        assert code in (0, -signal.SIGTERM), server.log.read_text()
        assert output["messages"][-1]["type"] == "ai"
        servers.server = first
        state: Any = await (await servers.client("ada")).threads.get_state(thread)
        assert state["values"]["stored"] == 2
        assert "Traceback" not in server.log.read_text()
    finally:
        servers.server = first
        servers.model.delay_first = 0.0


async def test_the_run_of_a_killed_server_is_finished_by_another(
    servers: Servers, tmp_path: Path
) -> None:
    server = start_server(servers.env, tmp_path / "log")
    await ready(server)
    first, servers.server = servers.server, server
    cleo = await servers.client("cleo")
    servers.server = first
    thread = (await cleo.threads.create())["thread_id"]
    servers.model.delay_first = 30.0
    servers.model.requests.clear()
    run_input: Any = {"messages": [{"role": "user", "content": "I live in Bergen."}]}
    run = asyncio.create_task(
        cleo.runs.wait(thread, "agent", input=run_input, context={"model": "scripted"})
    )
    while not any("Bergen" in json.dumps(request) for request in servers.model.requests):  # noqa: ASYNC110
        await asyncio.sleep(0.05)
    server.process.kill()
    server.process.wait()
    servers.model.delay_first = 0.0
    with pytest.raises(httpx.TransportError):
        await run
    again = await servers.client("cleo")
    state: Any = {}
    for _ in range(200):
        state = await again.threads.get_state(thread)
        if len(state["values"].get("messages", ())) == 2 and not state["next"]:
            break
        await asyncio.sleep(0.1)
    assert [m["type"] for m in state["values"]["messages"]] == ["human", "ai"]


async def test_the_terminal_and_the_server_share_a_thread(servers: Servers) -> None:
    ada = await servers.client("ada")
    ask = [sys.executable, "-c", "from threadkeep.cli.app import main; main()", "ask", "-u", "ada"]
    env = {**servers.env, "PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(ROOT)}
    command = [*ask, "-t", "both", "My parrot is called Kiki."]
    await asyncio.to_thread(subprocess.run, command, env=env, check=True, capture_output=True)
    thread = await ada.threads.create(metadata={"thread_name": "both"}, if_exists="do_nothing")
    run_input: Any = {"messages": [{"role": "user", "content": "What is my parrot called?"}]}
    output: Any = await ada.runs.wait(thread["thread_id"], "agent", input=run_input)
    assert "Kiki" in output["messages"][-1]["content"]
    assert len(output["messages"]) == 4


async def test_a_user_exports_everything_and_is_forgotten(servers: Servers) -> None:
    dora, ada = await servers.client("dora"), await servers.client("ada")
    thread = (await dora.threads.create())["thread_id"]
    run_input: Any = {"messages": [{"role": "user", "content": SECRET}]}
    await dora.runs.wait(thread, "agent", input=run_input)
    exported = (await dora.http.client.get("/me/export")).text
    assert "tulip-4711" in exported
    assert json.loads(exported.splitlines()[0])["user"] == "dora"
    assert "dora" not in (await ada.http.client.get("/me/export")).text
    forgot = await dora.http.client.delete("/me")
    assert forgot.json()["removed"]["threads"] == 1
    assert (await dora.http.client.get("/me/export")).status_code == 401
    del servers.tokens["dora"]
    again = await servers.client("dora")
    assert "tulip" not in (await again.http.client.get("/me/export")).text
    assert await again.threads.search() == []
