"""Two users against each other on every endpoint of the server's OpenAPI document.

A new endpoint fails the first test until it stands in `TABLE`.
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
class Door:
    """What Bob sends with Ada's ids in it, and what he may get.

    open: answered to everybody; closed: 404 for everybody; missing: 404, as if it were not there;
    own: an answer without anything of Ada's; nothing: that, or an error.
    """

    expected: Expected
    body: dict[str, Any] | list[Any] | None = None
    query: dict[str, str] = field(default_factory=dict)


SAID = {"messages": [{"role": "user", "content": "What opens the vault?"}]}
RUN: dict[str, Any] = {"assistant_id": "agent", "input": SAID}
HERS: dict[str, Any] = {"assistant_id": "{assistant_id}", "input": SAID}
CRON = {**RUN, "schedule": "* * * * *"}
MESSAGE = {"values": {"messages": [{"role": "user", "content": "Mine."}]}}
TABLE: dict[tuple[str, str], Door] = {
    ("get", "/"): Door("open"),
    ("get", "/ok"): Door("open"),
    ("get", "/info"): Door("open"),
    ("get", "/docs"): Door("open"),
    ("get", "/openapi.json"): Door("open"),
    ("get", "/metrics"): Door("closed"),
    ("get", "/deploy"): Door("closed"),
    ("post", "/deploy"): Door("closed", {"name": "x"}),
    ("get", "/deploy/{operation_id}/stream"): Door("closed"),
    ("get", "/internal/debug/thread/{thread_id}"): Door("closed"),
    ("post", "/internal/truncate"): Door("closed", {}),
    ("post", "/assistants"): Door(
        "missing",
        {"graph_id": "agent", "assistant_id": "{assistant_id}", "if_exists": "do_nothing"},
    ),
    ("post", "/assistants/search"): Door("own", {}),
    ("post", "/assistants/count"): Door("own", {"metadata": {"topic": "vaults"}}),
    ("get", "/assistants/{assistant_id}"): Door("missing"),
    ("patch", "/assistants/{assistant_id}"): Door("missing", {"name": "mine"}),
    ("get", "/assistants/{assistant_id}/graph"): Door("missing"),
    ("get", "/assistants/{assistant_id}/schemas"): Door("missing"),
    ("get", "/assistants/{assistant_id}/subgraphs"): Door("missing"),
    ("get", "/assistants/{assistant_id}/subgraphs/{namespace}"): Door("missing"),
    ("post", "/assistants/{assistant_id}/versions"): Door("nothing", {}),
    ("post", "/assistants/{assistant_id}/latest"): Door("missing", {"version": 1}),
    ("delete", "/assistants/{assistant_id}"): Door("missing"),
    ("post", "/threads"): Door("missing", {"thread_id": "{thread_id}", "if_exists": "do_nothing"}),
    ("post", "/threads/search"): Door("own", {}),
    ("post", "/threads/count"): Door("own", {"metadata": {"topic": "vaults"}}),
    ("post", "/threads/prune"): Door("missing", {"thread_ids": ["{thread_id}"]}),
    ("get", "/threads/{thread_id}"): Door("missing"),
    ("patch", "/threads/{thread_id}"): Door("missing", {"metadata": {"owner": "{bob}"}}),
    ("get", "/threads/{thread_id}/state"): Door("missing"),
    ("post", "/threads/{thread_id}/state"): Door("missing", MESSAGE),
    ("get", "/threads/{thread_id}/state/{checkpoint_id}"): Door("missing"),
    ("post", "/threads/{thread_id}/state/checkpoint"): Door(
        "missing", {"checkpoint": {"checkpoint_id": "{checkpoint_id}"}}
    ),
    ("get", "/threads/{thread_id}/history"): Door("missing"),
    ("post", "/threads/{thread_id}/history"): Door("missing", {"limit": 10}),
    ("get", "/threads/{thread_id}/storage"): Door("nothing"),
    ("post", "/threads/{thread_id}/copy"): Door("nothing", {}),
    ("get", "/threads/{thread_id}/stream"): Door("nothing"),
    ("post", "/threads/{thread_id}/stream/events"): Door("nothing", {"channels": ["values"]}),
    ("post", "/threads/{thread_id}/commands"): Door(
        "nothing",
        {"id": 1, "method": "run.start", "params": {"assistant_id": "agent", "input": SAID}},
    ),
    ("get", "/threads/{thread_id}/runs"): Door("missing"),
    ("post", "/threads/{thread_id}/runs"): Door("missing", {**RUN, "if_not_exists": "create"}),
    ("post", "/threads/{thread_id}/runs/wait"): Door("missing", {**RUN, "if_not_exists": "create"}),
    ("post", "/threads/{thread_id}/runs/stream"): Door("missing", RUN),
    ("get", "/threads/{thread_id}/runs/{run_id}"): Door("missing"),
    ("post", "/threads/{thread_id}/runs/{run_id}/cancel"): Door("missing", {}),
    ("get", "/threads/{thread_id}/runs/{run_id}/join"): Door("missing"),
    ("get", "/threads/{thread_id}/runs/{run_id}/stream"): Door("nothing"),
    ("delete", "/threads/{thread_id}/runs/{run_id}"): Door("missing"),
    ("post", "/threads/{thread_id}/runs/crons"): Door("missing", CRON),
    ("delete", "/threads/{thread_id}"): Door("missing"),
    ("post", "/runs"): Door("missing", HERS),
    ("post", "/runs/wait"): Door("own", RUN),
    ("post", "/runs/stream"): Door("missing", HERS),
    ("post", "/runs/batch"): Door("missing", [HERS]),
    ("post", "/runs/cancel"): Door(
        "missing", {"thread_id": "{thread_id}", "run_ids": ["{run_id}"]}
    ),
    ("post", "/runs/crons"): Door("missing", {**HERS, "schedule": "* * * * *"}),
    ("post", "/runs/crons/search"): Door("own", {}),
    ("post", "/runs/crons/count"): Door("own", {}),
    ("get", "/runs/crons/{cron_id}"): Door("missing"),
    ("patch", "/runs/crons/{cron_id}"): Door("missing", {"enabled": False}),
    ("delete", "/runs/crons/{cron_id}"): Door("missing"),
    ("put", "/store/items"): Door(
        "own", {"namespace": ["{ada_key}", "books"], "key": "one", "value": {"text": "Mine."}}
    ),
    ("get", "/store/items"): Door("own", query={"namespace": "{ada_key}.books", "key": "one"}),
    ("delete", "/store/items"): Door("own", {"namespace": ["{ada_key}", "books"], "key": "one"}),
    ("post", "/store/items/search"): Door(
        "own", {"namespace_prefix": ["{ada_key}"], "query": "vault", "limit": 1_000}
    ),
    ("post", "/store/namespaces"): Door("own", {"prefix": ["{ada_key}"]}),
    ("get", "/me/threads"): Door("own", query={"name": "vaults"}),
    ("post", "/me/threads/{thread_id}/fork"): Door("missing", {"name": "mine"}),
    ("post", "/me/threads/{thread_id}/undo"): Door("missing", {"turns": 1}),
    ("get", "/me/threads/{thread_id}/why"): Door("missing"),
    ("get", "/me/threads/{thread_id}/messages"): Door("missing"),
    ("get", "/me/search"): Door("own", query={"query": "What opens the vault?"}),
    ("get", "/me/facts"): Door("own"),
    ("get", "/me/entities"): Door("own"),
    ("post", "/me/import"): Door("nothing", {"kind": "header"}),
    ("get", "/me/memories"): Door("own"),
    ("get", "/me/memories/history"): Door("nothing", query={"id": "{message_id}"}),
    ("post", "/me/memories/correct"): Door("nothing", {"id": "{message_id}", "text": "Mine."}),
    ("get", "/me/pins"): Door("own"),
    ("post", "/me/pins"): Door("nothing", {"id": "{message_id}"}),
    ("delete", "/me/pins"): Door("nothing", query={"id": "{message_id}"}),
    ("post", "/me/forget/plan"): Door("nothing", {"kind": "thread", "name": "{thread_id}"}),
    ("post", "/me/forget"): Door("nothing", {"kind": "memory", "name": "{message_id}"}),
    ("get", "/me/usage"): Door("own"),
    ("get", "/me/export"): Door("own"),
    ("delete", "/me"): Door("own"),
}


@dataclass
class House:
    """Ada has one of everything; Bob has nothing."""

    url: str
    ada: httpx.Client
    bob: httpx.Client
    ids: dict[str, str]

    @property
    def hers(self) -> list[str]:
        """What names something of Ada's."""
        return [each for each in self.ids.values() if len(each) == 36]

    def filled(self, told: Any) -> Any:
        """Return what is told with Ada's ids in it."""
        if isinstance(told, str):
            for name, each in self.ids.items():
                told = told.replace(f"{{{name}}}", each)
            return told
        if isinstance(told, dict):
            return {name: self.filled(each) for name, each in told.items()}
        return [self.filled(each) for each in told] if isinstance(told, list) else told


@pytest.fixture(scope="module")
def house(server: Server) -> Iterator[House]:
    ada, bob = (asyncio.run(server.user(name)) for name in ("ada-of-all", "bob-of-all"))
    clients = [
        httpx.Client(
            base_url=server.url, headers={"Authorization": f"Bearer {each.token}"}, timeout=60
        )
        for each in (ada, bob)
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
        "ada_key": ada.key,
        "bob": bob.name,
        "message_id": state["values"]["messages"][0]["id"],
    }
    yield House(server.url, clients[0], clients[1], ids)
    for client in clients:
        client.close()


def test_every_endpoint_of_the_document_is_tried(house: House) -> None:
    document = httpx.get(f"{house.url}/openapi.json").json()
    methods = ("get", "put", "post", "patch", "delete")
    there = {(m, path) for path, told in document["paths"].items() for m in methods if m in told}
    assert there == TABLE.keys()


@pytest.mark.parametrize(("method", "path"), TABLE)
def test_nobody_gets_in_without_a_token(house: House, method: str, path: str) -> None:
    door = TABLE[method, path]
    with httpx.Client(base_url=house.url, timeout=60) as nobody:
        answer = send(nobody, house, method, path)
    assert answer.status_code == {"open": 200, "closed": 404}.get(door.expected, 401)
    assert "tulip" not in answer.text


@pytest.mark.parametrize(("method", "path"), TABLE)
def test_another_user_gets_nothing(house: House, method: str, path: str) -> None:
    door = TABLE[method, path]
    answer = send(house.bob, house, method, path)
    told = answer.text
    if door.expected in ("closed", "missing"):
        assert answer.status_code == 404, (answer.status_code, told)
    elif door.expected in ("open", "own"):
        assert answer.status_code < 300, (answer.status_code, told)
    assert "tulip" not in told
    if answer.status_code < 300:
        asked = house.filled(path)
        assert not [each for each in house.hers if each in told and each not in asked]


def test_ada_still_has_all_of_it(house: House) -> None:
    ada, ids = house.ada, house.ids
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


def send(client: httpx.Client, house: House, method: str, path: str) -> httpx.Response:
    door = TABLE[method, path]
    query: dict[str, str] = house.filled(door.query)
    return client.request(method, house.filled(path), json=house.filled(door.body), params=query)
