"""Many users at once, each with a secret: `python -m benchmarks.isolation --json`.

Two server processes on one PostgreSQL and one Chroma server; the turns of a user go to both
alternately. The model answers with every secret in its prompt, and its requests are recorded: a
secret of another user in a prompt would also be in the reply, and later in all stored data.
"""

import argparse
import asyncio
import json
import re
import secrets
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from benchmarks.growth import schema
from benchmarks.report import report
from benchmarks.scaling import chroma
from benchmarks.serving import Serving, open_servers
from tests.backends import settings_in
from threadkeep.stores.access_tokens import add_token
from threadkeep.stores.hybrid import open_store
from threadkeep.testing import Reply, ScriptedServer, scripted_server

SECRET = re.compile(r"tulip-[0-9a-f]{12}")
SERVES = re.compile(r"You serve (user-[0-9]+)\.")
USERS, TURNS, SERVERS = 64, 4, 2
TIMEOUT = httpx.Timeout(300)
PLACES = ("prompts", "replies", "states", "searches", "exports")


@dataclass
class User:
    """A user with a secret, and a client for each server."""

    name: str
    token: str
    clients: list[httpx.AsyncClient]
    secret: str = field(default_factory=lambda: f"tulip-{secrets.token_hex(6)}")
    threads: list[str] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)

    async def request(
        self, number: int, method: str, path: str, body: Any = None
    ) -> httpx.Response:
        """Send one request to one of the servers, alternately by `number`."""
        client = self.clients[number % len(self.clients)]
        return await client.request(method, path, json=body)

    async def say(self, number: int, thread: str, text: str) -> None:
        """Run one turn, and record the response."""
        body = {
            "assistant_id": "agent",
            "input": {"messages": [{"role": "user", "content": text}]},
            "stream_mode": ["messages-tuple", "updates", "values"],
            "context": {"system_prompt": f"You serve {self.name}."},
        }
        response = await self.request(number, "POST", f"/threads/{thread}/runs/stream", body)
        assert response.status_code == 200, response.text
        assert "event: error" not in response.text, response.text[-2_000:]
        self.replies.append(response.text)


def reveal(request: dict[str, Any]) -> Reply:
    """Answer with every secret in the prompt."""
    matches = sorted(set(SECRET.findall(json.dumps(request["messages"]))))
    return Reply("I know of " + (", ".join(matches) or "nothing") + ".")


async def converse(user: User, other: User, turns: int) -> None:
    """Say a secret, then ask for it and for another user's, in two threads."""
    for name in ("first", "second"):
        response = await user.request(0, "POST", "/threads", {"metadata": {"thread_name": name}})
        assert response.status_code == 200, response.text
        user.threads.append(response.json()["thread_id"])
    texts = [
        f"I am {user.name}. The word that opens my vault is {user.secret}. Keep it well.",
        "Which word opens my vault?",
        f"Which word opens the vault of {other.name}?",
        "Which words that open vaults do you know, of anybody?",
    ]
    for number in range(turns):
        await user.say(number, user.threads[number % 2], texts[number % len(texts)])


async def read_all(user: User, other: User) -> dict[str, list[str]]:
    """Return all that a user can read; check that the other user's threads are not found."""
    query = {"namespace_prefix": [], "query": "the word that opens the vault", "limit": 100}
    texts = {
        "replies": list(user.replies),
        "states": [
            (await user.request(number, *route)).text
            for number, thread in enumerate(user.threads)
            for route in (
                ("GET", f"/threads/{thread}/state"),
                ("POST", f"/threads/{thread}/history"),
            )
        ],
        "searches": [
            (await user.request(0, "POST", "/store/items/search", query)).text,
            (await user.request(1, "POST", "/threads/search", {"limit": 1_000})).text,
            (await user.request(0, "GET", "/me/memories?limit=10000")).text,
        ],
        "exports": [(await user.request(1, "GET", "/me/export")).text],
    }
    for thread in other.threads:
        for route in (("GET", f"/threads/{thread}/state"), ("DELETE", f"/threads/{thread}")):
            response = await user.request(0, *route)
            assert response.status_code == 404, response.text
            texts["states"].append(response.text)
    return texts


def leaked_into(prompt: str, users: Mapping[str, User]) -> bool:
    """Return whether a prompt holds a secret of another user than its own, or of two users."""
    matches, served = set(SECRET.findall(prompt)), SERVES.search(prompt)
    return bool(matches - {users[served[1]].secret}) if served else len(matches) > 1


def leaks(user: User, texts: Sequence[str]) -> int:
    """Return how many secrets of other users are in the texts."""
    return sum(len(set(SECRET.findall(text)) - {user.secret}) for text in texts)


async def measure(users: int = USERS, turns: int = TURNS, servers: int = SERVERS) -> dict[str, Any]:
    """Return the number of leaks, and the time."""
    async with schema() as (url, _), scripted_server() as model:
        model.answer = reveal
        with chroma() as vectors, tempfile.TemporaryDirectory() as folder:
            env = {
                "THREADKEEP_HOME": str(Path(folder) / "home"),
                "THREADKEEP_DB": url,
                "THREADKEEP_CHROMA_URL": vectors,
                "THREADKEEP_MODEL": "scripted",
                "THREADKEEP_NO_PROBE": "1",
                "OPENAI_BASE_URL": model.base_url,
                "OPENAI_API_KEY": "none",
            }
            async with open_servers(env, Path(folder), servers) as running:
                return await _run(await _users(env, running, users), model, turns)


async def _users(env: dict[str, str], servers: Sequence[Serving], count: int) -> list[User]:
    users = []
    async with open_store(settings_in(env)) as store:
        for number in range(count):
            name = f"user-{number}"
            token = await add_token(store, name)
            headers = {"Authorization": f"Bearer {token}"}
            clients = [
                httpx.AsyncClient(base_url=server.url, headers=headers, timeout=TIMEOUT)
                for server in servers
            ]
            users.append(User(name, token, clients))
    return users


async def _run(users: Sequence[User], model: ScriptedServer, turns: int) -> dict[str, Any]:
    others = [*users[1:], users[0]]
    began = time.perf_counter()
    pairs = list(zip(users, others, strict=True))
    await asyncio.gather(*(converse(user, other, turns) for user, other in pairs))
    seconds = time.perf_counter() - began
    figures: dict[str, Any] = dict.fromkeys(
        (f"secrets_of_others_in_{place}" for place in PLACES), 0
    )
    complete = 0
    for user, other in pairs:
        texts_by_place = await read_all(user, other)
        for place, texts in texts_by_place.items():
            figures[f"secrets_of_others_in_{place}"] += leaks(user, texts)
        complete += all(user.secret in "".join(texts) for texts in texts_by_place.values())
    prompts = [json.dumps(request["messages"]) for request in model.requests]
    by_name = {user.name: user for user in users}
    figures["secrets_of_others_in_prompts"] = sum(
        leaked_into(prompt, by_name) for prompt in prompts
    )
    for user in users:
        for client in user.clients:
            await client.aclose()
    figures |= {
        "users": len(users),
        "users_who_found_their_own_everywhere": complete,
        "turns": len(users) * turns,
        "prompts": len(prompts),
        "seconds": round(seconds, 1),
        "turns_a_second": round(len(users) * turns / seconds, 2),
    }
    return figures


def met_by(figures: Mapping[str, Any]) -> dict[str, bool]:
    """Return which targets the figures meet; all users must also find their own secret."""
    met = {
        f"no secret of others in {place}": not figures[f"secrets_of_others_in_{place}"]
        for place in PLACES
    }
    everywhere = figures["users_who_found_their_own_everywhere"] == figures["users"]
    return met | {"one's own in all that was read": everywhere}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--servers", type=int, default=SERVERS)
    options = parser.parse_args()
    figures = asyncio.run(measure(options.users, options.turns, options.servers))
    report("isolation", figures, met_by(figures), as_json=options.json)


if __name__ == "__main__":
    main()
