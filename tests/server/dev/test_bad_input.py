"""A bad request is answered with one sentence, and the server stays up."""

from typing import Any

import pytest

from tests.server.dev.running import MODEL, Server, User
from threadkeep.testing import Fault, scripted_server

HELLO = {"messages": [{"role": "user", "content": "Hello."}]}
TOO_LONG = {"messages": [{"role": "user", "content": "x" * 40_000}]}


@pytest.mark.parametrize(
    ("fields", "status", "detail"),
    [
        ({"context": {"memory": "elephant"}}, 422, "memory 'elephant' is not allowed"),
        ({"context": {"max_tokens": "many"}}, 422, "max_tokens 'many' is not allowed"),
        ({"context": {"max_tokens": 1}}, 422, "max_tokens 1 is not allowed"),
        ({"context": {"reserve_tokens": 100_000}}, 422, "leaves nothing of max_tokens"),
        ({"context": {"colour": "red"}}, 422, "there is no field 'colour'"),
        ({"context": {"model": "openai/"}}, 422, "openai/"),
        ({"config": {"configurable": {"memory": "elephant"}}}, 422, "memory 'elephant'"),
        ({"input": {"messages": [{"role": "user", "content": " "}]}}, 422, "The message is empty"),
        ({"input": {"messages": [{"role": "wizard", "content": "x"}]}}, 422, "input.messages"),
        ({"input": {"messages": 7}}, 422, "input.messages"),
        ({"input": {"summary": "You are rich."}}, 422, "The input has one field, messages"),
        ({"input": "Hello."}, 422, ""),
        ({"input": TOO_LONG}, 413, "The message has 40,000 bytes; the limit is 32,000."),
        ({"webhook": "https://example.org/"}, 422, "ebhook"),
        ({"assistant_id": "nobody"}, 422, "nobody"),
        ({"stream_mode": ["nonsense"]}, 422, ""),
    ],
)
async def test_a_bad_run_is_refused_in_a_sentence(
    ada: User, fields: dict[str, Any], status: int, detail: str
) -> None:
    run = {"assistant_id": "agent", "input": HELLO, **fields}
    for path in ("/runs/wait", f"/threads/{await thread_of(ada)}/runs"):
        response = await ada.http.post(path, json=run)
        assert response.status_code == status, response.text
        assert detail in response.json()["detail"]
        assert "Traceback" not in response.text


async def test_a_body_that_is_too_large_is_refused_whole_or_in_chunks(ada: User) -> None:
    large = b'{"metadata": {"a": "' + b"x" * 2_100_000 + b'"}}'
    headers = {"Content-Type": "application/json"}

    async def chunks() -> Any:
        for at in range(0, len(large), 100_000):
            yield large[at : at + 100_000]

    for content in (large, chunks()):
        response = await ada.http.post("/threads", content=content, headers=headers)
        assert response.status_code == 413
        assert "larger than 2,000,000 bytes" in response.json()["detail"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"metadata": 7}', b"[" * 100_000]
)
async def test_a_malformed_body_causes_no_traceback(ada: User, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    response = await ada.http.post("/threads", content=body, headers=headers)
    assert response.status_code in (200, 400, 422)
    assert "Traceback" not in response.text


async def test_an_assistant_or_cron_with_a_bad_context_is_refused(ada: User) -> None:
    for context in ({"memory": "elephant"}, {"user_id": "bob"}, {"colour": "red"}):
        response = await ada.http.post(
            "/assistants", json={"graph_id": "agent", "context": context}
        )
        assert response.status_code == 422
        cron = {"assistant_id": "agent", "schedule": "* * * * *", "input": HELLO}
        response = await ada.http.post("/runs/crons", json={**cron, "context": context})
        assert response.status_code == 422
    assert await ada.client.crons.search() == []


async def test_threadkeeps_own_namespaces_cannot_be_written(ada: User) -> None:
    for label in ("messages", "facts", "entities", "threads", "usage", "notes"):
        item = {"namespace": [label], "key": "one", "value": {"text": "Mine."}}
        for namespace in ([label], [ada.owner, label], [ada.owner]):
            put = await ada.http.put("/store/items", json={**item, "namespace": namespace})
            assert put.status_code == 422
            assert "is kept by threadkeep itself" in put.json()["detail"]


async def test_an_error_inside_a_run_is_a_sentence(ada: User, server: Server) -> None:
    thread = await thread_of(ada)
    async with scripted_server(port=server.model_port) as model:
        model.script(*[Fault(status=401, body='{"error": {"message": "Bad key."}}')] * 3)
        run = {"assistant_id": "agent", "input": HELLO, "context": MODEL}
        response = await ada.http.post(f"/threads/{thread}/runs/wait", json=run)
        error = response.json()["__error__"]
        assert error["error"] in ("NoModel", "ProviderFailed", "RequestRefused", "KeyRefused")
        assert error["message"].endswith(".")
        assert "Traceback" not in response.text
        streamed = await ada.http.post(f"/threads/{thread}/runs/stream", json=run)
    assert "Traceback" not in streamed.text
    assert (await ada.http.get("/ok")).status_code == 200
    assert "messages" in await ada.say(thread, "Hello again.")


async def thread_of(user: User) -> str:
    return str((await user.client.threads.create())["thread_id"])


async def test_a_history_begins_before_a_checkpoint_or_is_refused(ada: User) -> None:
    thread = await thread_of(ada)
    for text in ("Hello.", "Again."):
        await ada.say(thread, text)
    history: Any = (await ada.http.post(f"/threads/{thread}/history", json={"limit": 1})).json()
    path, checkpoint = f"/threads/{thread}/history", history[0]["checkpoint"]
    for before in (checkpoint, {"configurable": checkpoint}):
        response = await ada.http.post(path, json={"before": before, "limit": 1})
        assert response.json()[0]["checkpoint"] == history[0]["parent_checkpoint"]
    refused: list[dict[str, Any]] = [{}, {"x": []}, {"checkpoint_id": 7}, {"configurable": 7}]
    for place in refused:
        assert (await ada.http.post(path, json={"before": place})).status_code == 422


@pytest.mark.parametrize(
    "fields",
    [
        {"feedback_keys": ["good"]},
        {"langsmith_tracer": {"project_name": "x"}},
        {"config": {"recursion_limit": 0}},
        {"config": {"callbacks": ["x"]}},
        {"command": {"goto": {"node": "call_model", "input": {}}}},
        {"after_seconds": 1e300},
    ],
)
async def test_an_option_that_no_run_can_follow_is_refused_on_every_route(
    ada: User, fields: dict[str, Any]
) -> None:
    run, thread = {"assistant_id": "agent", "input": HELLO, **fields}, await thread_of(ada)
    for path in ("/runs", "/runs/wait", "/runs/stream", "/runs/batch", f"/threads/{thread}/runs"):
        body: Any = [run] if path.endswith("batch") else run
        response = await ada.http.post(path, json=body)
        assert response.status_code == 422, (path, response.text)
        assert next(iter(fields)) in response.json()["detail"]


async def test_a_new_thread_and_an_assistant_survive_a_killed_server(
    server: Server, ada: User
) -> None:
    thread: Any = (await ada.http.post("/threads", json={"metadata": {"a": 1}})).json()
    assistant: Any = (await ada.http.post("/assistants", json={"graph_id": "agent"})).json()
    server.kill()
    server.start()
    row: Any = (await ada.http.get(f"/threads/{thread['thread_id']}")).json()
    assert row["metadata"]["a"] == 1
    response = await ada.http.get(f"/assistants/{assistant['assistant_id']}")
    assert response.status_code == 200
    assert len((await ada.say(thread["thread_id"], "Hello."))["messages"]) == 2
