"""Two users against each other on every endpoint of the server's OpenAPI document.

A new endpoint fails the first test until it is in `TABLE`.
"""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

import httpx
import pytest

from tests.server.dev.running import Server

SECRET = "The vault opens with tulip-4711."
Expected = Literal["open", "closed", "missing", "own", "nothing"]


@dataclass(frozen=True)
class Expectation:
    """What Bob sends with Ada's ids in it, and the response that he may get.

    open: 200 for everybody; closed: 404 for everybody; missing: 404, as if it did not exist;
    own: a response without anything of Ada's; nothing: that, or an error.
    """

    expected: Expected
    body: dict[str, Any] | list[Any] | None = None
    query: dict[str, str] = field(default_factory=dict)


INPUT = {"messages": [{"role": "user", "content": "What opens the vault?"}]}
RUN: dict[str, Any] = {"assistant_id": "agent", "input": INPUT}
HER_RUN: dict[str, Any] = {"assistant_id": "{assistant_id}", "input": INPUT}
CRON = {**RUN, "schedule": "* * * * *"}
MESSAGE = {"values": {"messages": [{"role": "user", "content": "Mine."}]}}
TABLE: dict[tuple[str, str], Expectation] = {
    ("get", "/"): Expectation("open"),
    ("get", "/ok"): Expectation("open"),
    ("get", "/info"): Expectation("open"),
    ("get", "/docs"): Expectation("open"),
    ("get", "/openapi.json"): Expectation("open"),
    ("get", "/metrics"): Expectation("closed"),
    ("get", "/deploy"): Expectation("closed"),
    ("post", "/deploy"): Expectation("closed", {"name": "x"}),
    ("get", "/deploy/{operation_id}/stream"): Expectation("closed"),
    ("get", "/internal/debug/thread/{thread_id}"): Expectation("closed"),
    ("post", "/internal/truncate"): Expectation("closed", {}),
    ("post", "/assistants"): Expectation(
        "missing",
        {"graph_id": "agent", "assistant_id": "{assistant_id}", "if_exists": "do_nothing"},
    ),
    ("post", "/assistants/search"): Expectation("own", {}),
    ("post", "/assistants/count"): Expectation("own", {"metadata": {"topic": "vaults"}}),
    ("get", "/assistants/{assistant_id}"): Expectation("missing"),
    ("patch", "/assistants/{assistant_id}"): Expectation("missing", {"name": "mine"}),
    ("get", "/assistants/{assistant_id}/graph"): Expectation("missing"),
    ("get", "/assistants/{assistant_id}/schemas"): Expectation("missing"),
    ("get", "/assistants/{assistant_id}/subgraphs"): Expectation("missing"),
    ("get", "/assistants/{assistant_id}/subgraphs/{namespace}"): Expectation("missing"),
    ("post", "/assistants/{assistant_id}/versions"): Expectation("nothing", {}),
    ("post", "/assistants/{assistant_id}/latest"): Expectation("missing", {"version": 1}),
    ("delete", "/assistants/{assistant_id}"): Expectation("missing"),
    ("post", "/threads"): Expectation(
        "missing", {"thread_id": "{thread_id}", "if_exists": "do_nothing"}
    ),
    ("post", "/threads/search"): Expectation("own", {}),
    ("post", "/threads/count"): Expectation("own", {"metadata": {"topic": "vaults"}}),
    ("post", "/threads/prune"): Expectation("missing", {"thread_ids": ["{thread_id}"]}),
    ("get", "/threads/{thread_id}"): Expectation("missing"),
    ("patch", "/threads/{thread_id}"): Expectation("missing", {"metadata": {"owner": "{bob}"}}),
    ("get", "/threads/{thread_id}/state"): Expectation("missing"),
    ("post", "/threads/{thread_id}/state"): Expectation("missing", MESSAGE),
    ("get", "/threads/{thread_id}/state/{checkpoint_id}"): Expectation("missing"),
    ("post", "/threads/{thread_id}/state/checkpoint"): Expectation(
        "missing", {"checkpoint": {"checkpoint_id": "{checkpoint_id}"}}
    ),
    ("get", "/threads/{thread_id}/history"): Expectation("missing"),
    ("post", "/threads/{thread_id}/history"): Expectation("missing", {"limit": 10}),
    ("get", "/threads/{thread_id}/storage"): Expectation("nothing"),
    ("post", "/threads/{thread_id}/copy"): Expectation("nothing", {}),
    ("get", "/threads/{thread_id}/stream"): Expectation("nothing"),
    ("post", "/threads/{thread_id}/stream/events"): Expectation(
        "nothing", {"channels": ["values"]}
    ),
    ("post", "/threads/{thread_id}/commands"): Expectation(
        "nothing",
        {"id": 1, "method": "run.start", "params": {"assistant_id": "agent", "input": INPUT}},
    ),
    ("get", "/threads/{thread_id}/runs"): Expectation("missing"),
    ("post", "/threads/{thread_id}/runs"): Expectation(
        "missing", {**RUN, "if_not_exists": "create"}
    ),
    ("post", "/threads/{thread_id}/runs/wait"): Expectation(
        "missing", {**RUN, "if_not_exists": "create"}
    ),
    ("post", "/threads/{thread_id}/runs/stream"): Expectation("missing", RUN),
    ("get", "/threads/{thread_id}/runs/{run_id}"): Expectation("missing"),
    ("post", "/threads/{thread_id}/runs/{run_id}/cancel"): Expectation("missing", {}),
    ("get", "/threads/{thread_id}/runs/{run_id}/join"): Expectation("missing"),
    ("get", "/threads/{thread_id}/runs/{run_id}/stream"): Expectation("nothing"),
    ("delete", "/threads/{thread_id}/runs/{run_id}"): Expectation("missing"),
    ("post", "/threads/{thread_id}/runs/crons"): Expectation("missing", CRON),
    ("delete", "/threads/{thread_id}"): Expectation("missing"),
    ("post", "/runs"): Expectation("missing", HER_RUN),
    ("post", "/runs/wait"): Expectation("own", RUN),
    ("post", "/runs/stream"): Expectation("missing", HER_RUN),
    ("post", "/runs/batch"): Expectation("missing", [HER_RUN]),
    ("post", "/runs/cancel"): Expectation(
        "missing", {"thread_id": "{thread_id}", "run_ids": ["{run_id}"]}
    ),
    ("post", "/runs/crons"): Expectation("missing", {**HER_RUN, "schedule": "* * * * *"}),
    ("post", "/runs/crons/search"): Expectation("own", {}),
    ("post", "/runs/crons/count"): Expectation("own", {}),
    ("get", "/runs/crons/{cron_id}"): Expectation("missing"),
    ("patch", "/runs/crons/{cron_id}"): Expectation("missing", {"enabled": False}),
    ("delete", "/runs/crons/{cron_id}"): Expectation("missing"),
    ("put", "/store/items"): Expectation(
        "own", {"namespace": ["{ada_key}", "books"], "key": "one", "value": {"text": "Mine."}}
    ),
    ("get", "/store/items"): Expectation(
        "own", query={"namespace": "{ada_key}.books", "key": "one"}
    ),
    ("delete", "/store/items"): Expectation(
        "own", {"namespace": ["{ada_key}", "books"], "key": "one"}
    ),
    ("post", "/store/items/search"): Expectation(
        "own", {"namespace_prefix": ["{ada_key}"], "query": "vault", "limit": 1_000}
    ),
    ("post", "/store/namespaces"): Expectation("own", {"prefix": ["{ada_key}"]}),
    ("get", "/me/threads"): Expectation("own", query={"name": "vaults"}),
    ("post", "/me/threads/{thread_id}/fork"): Expectation("missing", {"name": "mine"}),
    ("post", "/me/threads/{thread_id}/undo"): Expectation("missing", {"turns": 1}),
    ("get", "/me/threads/{thread_id}/why"): Expectation("missing"),
    ("get", "/me/threads/{thread_id}/messages"): Expectation("missing"),
    ("get", "/me/search"): Expectation("own", query={"query": "What opens the vault?"}),
    ("get", "/me/facts"): Expectation("own"),
    ("get", "/me/entities"): Expectation("own"),
    ("get", "/me/entities/changes"): Expectation("own"),
    ("post", "/me/entities/merge"): Expectation("nothing", {"name": "Miriam", "other": "Mimi"}),
    ("post", "/me/entities/split"): Expectation("nothing", {"name": "Miriam"}),
    ("post", "/me/entities/undo"): Expectation("nothing", {"id": "{message_id}"}),
    ("post", "/me/import"): Expectation("nothing", {"kind": "header"}),
    ("get", "/me/memories"): Expectation("own"),
    ("get", "/me/memories/history"): Expectation("nothing", query={"id": "{message_id}"}),
    ("post", "/me/memories/correct"): Expectation(
        "nothing", {"id": "{message_id}", "text": "Mine."}
    ),
    ("get", "/me/pins"): Expectation("own"),
    ("post", "/me/pins"): Expectation("nothing", {"id": "{message_id}"}),
    ("delete", "/me/pins"): Expectation("nothing", query={"id": "{message_id}"}),
    ("post", "/me/forget/plan"): Expectation("nothing", {"kind": "thread", "name": "{thread_id}"}),
    ("post", "/me/forget"): Expectation("nothing", {"kind": "memory", "name": "{message_id}"}),
    ("get", "/me/erasures"): Expectation("own"),
    ("post", "/me/erasures/retry"): Expectation("own"),
    ("get", "/me/damaged"): Expectation("own"),
    ("get", "/me/unanswered"): Expectation("own"),
    ("post", "/me/threads/{thread_id}/retry"): Expectation("missing", {}),
    ("post", "/me/threads/{thread_id}/discard"): Expectation("missing", {}),
    ("get", "/me/usage"): Expectation("own"),
    ("get", "/me/export"): Expectation("own"),
    ("delete", "/me"): Expectation("own"),
}


@dataclass
class TwoUsers:
    """Ada has one of everything; Bob has nothing."""

    url: str
    ada: httpx.Client
    bob: httpx.Client
    ids: dict[str, str]

    @property
    def hers(self) -> list[str]:
        """Ids of things of Ada's."""
        return [identifier for identifier in self.ids.values() if len(identifier) == 36]

    def filled(self, value: Any) -> Any:
        """Return a value with the placeholders replaced by Ada's ids."""
        if isinstance(value, str):
            for name, identifier in self.ids.items():
                value = value.replace(f"{{{name}}}", identifier)
            return value
        if isinstance(value, dict):
            return {name: self.filled(item) for name, item in value.items()}
        return [self.filled(item) for item in value] if isinstance(value, list) else value


@pytest.fixture(scope="module")
def users(server: Server) -> Iterator[TwoUsers]:
    ada, bob = (asyncio.run(server.user(name)) for name in ("ada-of-all", "bob-of-all"))
    clients = [
        httpx.Client(
            base_url=server.url, headers={"Authorization": f"Bearer {user.token}"}, timeout=60
        )
        for user in (ada, bob)
    ]
    hers = clients[0]
    about = {"metadata": {"topic": "vaults"}}
    thread = hers.post("/threads", json=about).json()["thread_id"]
    run = hers.post(
        f"/threads/{thread}/runs",
        json={**RUN, "input": {"messages": [{"role": "user", "content": SECRET}]}},
    ).json()["run_id"]
    hers.get(f"/threads/{thread}/runs/{run}/join")
    assistant = hers.post("/assistants", json={"graph_id": "agent", **about}).json()
    cron = hers.post(f"/threads/{thread}/runs/crons", json={**CRON, "enabled": False}).json()
    hers.put("/store/items", json={"namespace": ["books"], "key": "one", "value": {"text": SECRET}})
    state = hers.get(f"/threads/{thread}/state").json()
    ids = {
        "thread_id": thread,
        "run_id": run,
        "assistant_id": assistant["assistant_id"],
        "cron_id": cron["cron_id"],
        "checkpoint_id": state["checkpoint"]["checkpoint_id"],
        "operation_id": "one",
        "namespace": "one",
        "ada_key": ada.owner,
        "bob": bob.name,
        "message_id": state["values"]["messages"][0]["id"],
    }
    yield TwoUsers(server.url, clients[0], clients[1], ids)
    for client in clients:
        client.close()


def test_every_endpoint_of_the_document_is_tried(users: TwoUsers) -> None:
    document = httpx.get(f"{users.url}/openapi.json").json()
    methods = ("get", "put", "post", "patch", "delete")
    documented = {
        (m, path)
        for path, operations in document["paths"].items()
        for m in methods
        if m in operations
    }
    assert documented == TABLE.keys()


@pytest.mark.parametrize(("method", "path"), TABLE)
def test_a_request_without_a_token_is_refused(users: TwoUsers, method: str, path: str) -> None:
    expectation = TABLE[method, path]
    with httpx.Client(base_url=users.url, timeout=60) as client:
        response = send(client, users, method, path)
    assert response.status_code == {"open": 200, "closed": 404}.get(expectation.expected, 401)
    assert "tulip" not in response.text


@pytest.mark.parametrize(("method", "path"), TABLE)
def test_another_user_gets_nothing_of_adas(users: TwoUsers, method: str, path: str) -> None:
    expectation = TABLE[method, path]
    response = send(users.bob, users, method, path)
    text = response.text
    if expectation.expected in ("closed", "missing"):
        assert response.status_code == 404, (response.status_code, text)
    elif expectation.expected in ("open", "own"):
        assert response.status_code < 300, (response.status_code, text)
    assert response.status_code != 500, (response.status_code, text)
    assert "tulip" not in text
    if response.status_code < 300:
        request_path = users.filled(path)
        assert not [
            identifier
            for identifier in users.hers
            if identifier in text and identifier not in request_path
        ]


def test_ada_still_has_all_of_it(users: TwoUsers) -> None:
    ada, ids = users.ada, users.ids
    state = ada.get(f"/threads/{ids['thread_id']}/state").json()
    assert state["values"]["messages"][0]["content"] == SECRET
    assert len(state["values"]["messages"]) == 2
    assert ada.get(f"/threads/{ids['thread_id']}").json()["metadata"]["topic"] == "vaults"
    assert (
        ada.get(f"/threads/{ids['thread_id']}/runs/{ids['run_id']}").json()["status"] == "success"
    )
    assert ada.get(f"/assistants/{ids['assistant_id']}").status_code == 200
    assert ada.get(f"/runs/crons/{ids['cron_id']}").json()["enabled"] is False
    item = ada.get("/store/items", params={"namespace": "books", "key": "one"}).json()
    assert item["value"] == {"text": SECRET}
    assert SECRET in ada.get("/me/export").text


def send(client: httpx.Client, users: TwoUsers, method: str, path: str) -> httpx.Response:
    expectation = TABLE[method, path]
    query: dict[str, str] = users.filled(expectation.query)
    return client.request(
        method, users.filled(path), json=users.filled(expectation.body), params=query
    )
