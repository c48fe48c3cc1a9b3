"""Whatever a client sends, it is told in one sentence what was wrong, and the server stays up."""

from typing import Any

import pytest

from tests.server.dev.running import MODEL, Server, User
from threadkeep.testing import Fault, scripted_server

HELLO = {"messages": [{"role": "user", "content": "Hello."}]}
TOO_LONG = {"messages": [{"role": "user", "content": "x" * 40_000}]}


@pytest.mark.parametrize(
    ("told", "status", "said"),
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
async def test_a_run_that_cannot_be_is_refused_in_a_sentence(
    ada: User, told: dict[str, Any], status: int, said: str
) -> None:
    run = {"assistant_id": "agent", "input": HELLO, **told}
    for path in ("/runs/wait", f"/threads/{await thread_of(ada)}/runs"):
        answer = await ada.http.post(path, json=run)
        assert answer.status_code == status, answer.text
        assert said in answer.json()["detail"]
        assert "Traceback" not in answer.text


async def test_what_is_too_large_is_refused_however_it_comes(ada: User) -> None:
    large = b'{"metadata": {"a": "' + b"x" * 2_100_000 + b'"}}'
    headers = {"Content-Type": "application/json"}

    async def pieces() -> Any:
        for at in range(0, len(large), 100_000):
            yield large[at : at + 100_000]

    for content in (large, pieces()):
        answer = await ada.http.post("/threads", content=content, headers=headers)
        assert answer.status_code == 413
        assert "larger than 2,000,000 bytes" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"null", b'"x"', b"\xff\xfe", b'{"metadata": 7}', b"[" * 100_000]
)
async def test_a_body_that_is_nothing_is_refused(ada: User, body: bytes) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await ada.http.post("/threads", content=body, headers=headers)
    assert answer.status_code in (200, 400, 422)
    assert "Traceback" not in answer.text


async def test_an_assistant_and_a_cron_keep_no_nonsense(ada: User) -> None:
    for context in ({"memory": "elephant"}, {"user_id": "bob"}, {"colour": "red"}):
        made = await ada.http.post("/assistants", json={"graph_id": "agent", "context": context})
        assert made.status_code == 422
        cron = {"assistant_id": "agent", "schedule": "* * * * *", "input": HELLO}
        made = await ada.http.post("/runs/crons", json={**cron, "context": context})
        assert made.status_code == 422
    assert await ada.client.crons.search() == []


async def test_what_threadkeep_keeps_is_not_written_by_hand(ada: User) -> None:
    for label in ("messages", "facts", "entities", "threads", "usage", "notes"):
        item = {"namespace": [label], "key": "one", "value": {"text": "Mine."}}
        for namespace in ([label], [ada.key, label], [ada.key]):
            put = await ada.http.put("/store/items", json={**item, "namespace": namespace})
            assert put.status_code == 422
            assert "is kept by threadkeep itself" in put.json()["detail"]


async def test_an_error_inside_a_run_is_a_sentence_too(ada: User, server: Server) -> None:
    thread = await thread_of(ada)
    async with scripted_server(port=server.model_port) as model:
        model.script(*[Fault(status=401, body='{"error": {"message": "Bad key."}}')] * 3)
        run = {"assistant_id": "agent", "input": HELLO, "context": MODEL}
        answer = await ada.http.post(f"/threads/{thread}/runs/wait", json=run)
        error = answer.json()["__error__"]
        assert error["error"] in ("NoModel", "ProviderFailed", "RequestRefused", "KeyRefused")
        assert error["message"].endswith(".")
        assert "Traceback" not in answer.text
        streamed = await ada.http.post(f"/threads/{thread}/runs/stream", json=run)
    assert "Traceback" not in streamed.text
    assert (await ada.http.get("/ok")).status_code == 200
    assert "messages" in await ada.say(thread, "Hello again.")


async def thread_of(user: User) -> str:
    return str((await user.client.threads.create())["thread_id"])
