"""A server for many users answers every request body with a status and a sentence."""

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from threadkeep.stores.access_tokens import add_token

pytest.importorskip("starlette")
THREAD = "0b8fe22a-6a5e-4a57-8f3e-2d54d8a1f7aa"
FIELDS = [
    *("thread_id", "metadata", "if_exists", "limit", "offset", "ids", "values", "status", "input"),
    *("assistant_id", "context", "config", "configurable", "stream_mode", "multitask_strategy"),
    *("checkpoint", "checkpoint_id", "as_node", "before", "namespace", "namespace_prefix", "key"),
    *("value", "ttl", "query", "filter", "prefix", "suffix", "max_depth", "turns", "name", "at"),
    *("messages", "thread_name", "user_id", "max_tokens", "memory", "role", "content", "text"),
]
SIMPLE = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.text(max_size=20),
    st.sampled_from(["agent", "updates", THREAD, "trip", "\0", "\ud800", "user", "hi", "offline"]),
)
VALUES = st.recursive(
    SIMPLE,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(FIELDS), inner, max_size=4)
    ),
    max_leaves=6,
)
BODIES = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6)
ROUTES = [
    ("POST", "/threads"),
    ("POST", "/threads/search"),
    ("POST", "/threads/count"),
    ("PATCH", f"/threads/{THREAD}"),
    ("POST", f"/threads/{THREAD}/state"),
    ("POST", f"/threads/{THREAD}/state/checkpoint"),
    ("POST", f"/threads/{THREAD}/history"),
    ("POST", f"/threads/{THREAD}/runs/wait"),
    ("POST", f"/threads/{THREAD}/runs/stream"),
    ("PUT", "/store/items"),
    ("DELETE", "/store/items"),
    ("POST", "/store/items/search"),
    ("POST", "/store/namespaces"),
    ("POST", f"/me/threads/{THREAD}/undo"),
    ("POST", f"/me/threads/{THREAD}/fork"),
    ("POST", "/me/memories/correct"),
    ("POST", "/me/pins"),
    ("POST", "/me/forget/plan"),
    ("POST", "/me/forget"),
]
ROUNDS = 6
MANY = len(ROUTES) * ROUNDS


@pytest.fixture(autouse=True)
def _data_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREADKEEP_HOME", str(tmp_path))
    monkeypatch.setenv("THREADKEEP_MODEL", "offline")


# Few examples with many bodies each: starting the server takes longer than a request.
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
@given(bodies=st.lists(BODIES, min_size=MANY, max_size=MANY))
def test_no_request_body_causes_a_server_error(bodies: list[dict[str, Any]]) -> None:
    asyncio.run(send_all(bodies))


async def send_all(bodies: list[dict[str, Any]]) -> None:
    from threadkeep.server.http.app import app

    async with app.router.lifespan_context(app):
        token = await add_token(app.state.memory.opened.store, "ada")
        headers = {"Authorization": f"Bearer {token}"}
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(
            transport=transport, base_url="http://server", headers=headers, timeout=60
        ) as client:
            response = await client.post("/threads", json={"thread_id": THREAD})
            assert response.status_code in (200, 409), response.text
            for (method, path), body in zip(ROUTES * ROUNDS, bodies, strict=True):
                defaults = {"assistant_id": "agent"} if "runs" in path else {}
                content = json.dumps({**defaults, **body})
                response = await client.request(method, path, content=content)
                assert response.status_code < 500, (method, path, content, response.text)
                if response.status_code >= 400:
                    assert "Traceback" not in response.text
                    assert isinstance(response.json()["detail"], str), response.text
