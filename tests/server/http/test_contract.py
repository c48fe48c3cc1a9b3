"""The server for many users follows LangGraph's API, or names what it does not offer."""

import asyncio
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.server.http.helpers import Servers
from threadkeep.graph.agent import graph
from threadkeep.server.http.not_offered import NOT_OFFERED

pytestmark = pytest.mark.asyncio(loop_scope="module")
RUN: Any = {"assistant_id": "agent", "input": {"messages": [{"role": "user", "content": "hi"}]}}


async def connect(servers: Servers, user: str = "ada") -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {await servers.token(user)}"}
    return httpx.AsyncClient(base_url=servers.server.url, headers=headers, timeout=60)


async def test_results_and_streams_have_the_fields_of_the_output_schema(servers: Servers) -> None:
    ada = await servers.client("ada")
    fields = set(graph.get_output_jsonschema()["properties"])
    thread = (await ada.threads.create())["thread_id"]
    for thread_id in (thread, None):
        output: Any = await ada.runs.wait(thread_id, "agent", input=RUN["input"])
        assert set(output) <= fields
    stream: Any = ada.runs.stream(
        thread, "agent", input=RUN["input"], stream_mode=["values", "updates"]
    )
    async for event in stream:
        if event.event == "values":
            assert set(event.data) <= fields
        if event.event == "updates":
            assert all(set(update or {}) <= fields for update in event.data.values())


async def test_what_is_not_offered_is_501_with_a_sentence(servers: Servers) -> None:
    async with await connect(servers) as http:
        for methods, path, sentence in NOT_OFFERED:
            for method in methods.split():
                address = path.replace("{", "").replace("}", "")
                response = await http.request(method, address, json=RUN)
                assert response.status_code == 501, (method, path, response.text)
                assert response.json()["detail"] == sentence
        detail = (await http.put("/threads")).json()["detail"]
        assert "PUT /threads is not offered by this server" in detail


async def test_a_thread_is_copied_and_assistants_are_counted(servers: Servers) -> None:
    ada = await servers.client("ada")
    thread = (await ada.threads.create())["thread_id"]
    await ada.runs.wait(thread, "agent", input=RUN["input"])
    async with await connect(servers) as http:
        copied = (await http.post(f"/threads/{thread}/copy")).json()
        assert copied["thread_id"] != thread
        assert (await http.post("/assistants/count", json={})).json() == 1
        assert (await http.post("/assistants/count", json={"graph_id": "x"})).json() == 0
    state: Any = await ada.threads.get_state(copied["thread_id"])
    assert len(state["values"]["messages"]) == 2


async def test_searches_follow_their_options(servers: Servers) -> None:
    user = str(uuid4())
    client = await servers.client(user)
    ids = [(await client.threads.create(metadata={"a": {"b": n}}))["thread_id"] for n in (1, 2)]
    async with await connect(servers, user) as http:

        async def search(**body: Any) -> Any:
            return (await http.post("/threads/search", json=body)).json()

        assert await search(select=["thread_id"], sort_by="created_at", sort_order="asc") == [
            {"thread_id": thread_id} for thread_id in ids
        ]
        newest_first = await search(sort_by="created_at", sort_order="desc")
        assert [thread["thread_id"] for thread in newest_first] == ids[::-1]
        (match,) = await search(metadata={"a": {"b": 2}})
        assert match["thread_id"] == ids[1]
        for body in ({"sort_by": "colour"}, {"select": ["x"]}, {"limit": 0}, {"status": "idle"}):
            assert (await http.post("/threads/search", json=body)).status_code == 422


@pytest.mark.parametrize(
    "fields",
    [
        {"feedback_keys": ["good"]},
        {"webhook": "https://example.org"},
        {"interrupt_before": ["call_model"]},
        {"command": {"resume": 1}},
        {"stream_resumable": True},
        {"config": {"recursion_limit": 0}},
        {"config": {"recursion_limit": 1}},
        {"config": {"unknown": 1}},
        {"on_completion": "delete"},
        {"on_disconnect": "x"},
    ],
)
async def test_an_option_that_is_not_followed_is_refused(
    servers: Servers, fields: dict[str, Any]
) -> None:
    ada = await servers.client("ada")
    thread = (await ada.threads.create())["thread_id"]
    async with await connect(servers) as http:
        response = await http.post(f"/threads/{thread}/runs/wait", json={**RUN, **fields})
        assert response.status_code == 422, response.text
        assert isinstance(response.json()["detail"], str)
    await ada.runs.wait(thread, "agent", input=RUN["input"])


async def test_an_item_that_is_not_there_is_null(servers: Servers) -> None:
    ada = await servers.client("ada")
    assert await ada.store.get_item(("notes",), key="nothing") is None


async def test_the_document_names_every_route(servers: Servers) -> None:
    async with httpx.AsyncClient(base_url=servers.server.url) as http:
        document = (await http.get("/openapi.json")).json()
    assert {"/threads/{thread_id}/runs/stream", "/me/export", "/ok"} <= set(document["paths"])


@pytest.mark.parametrize("seconds", [0.0, 0.05, 0.2, 0.6])
@pytest.mark.parametrize("route", ["stream", "wait"])
async def test_a_client_that_disconnects_at_any_moment_leaves_the_thread_free(
    servers: Servers, route: str, seconds: float
) -> None:
    ada = await servers.client("ada")
    thread = (await ada.threads.create())["thread_id"]
    servers.model.delay_first = 3.0
    body = {**RUN, "on_disconnect": "cancel", "context": {"model": "scripted"}}
    async with await connect(servers) as http:
        try:
            async with asyncio.timeout(seconds):
                await http.post(f"/threads/{thread}/runs/{route}", json=body)
        except TimeoutError:
            pass
        finally:
            servers.model.delay_first = 0.0
    async with asyncio.timeout(15):
        output: Any = await ada.runs.wait(thread, "agent", input=RUN["input"])
    assert output["messages"][-1]["type"] == "ai"
