"""Many users at once, each with a secret: `python -m benchmarks.isolation --json`.

Two server processes on one PostgreSQL and one Chroma server; each user's turns go to both in turn.
The model answers with every secret that its prompt holds, and keeps what it was sent: whatever of
another user's came near a prompt would be found in it, in the reply, and from then on everywhere.
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
    """Somebody with a secret, and a client for each server."""

    name: str
    token: str
    clients: list[httpx.AsyncClient]
    secret: str = field(default_factory=lambda: f"tulip-{secrets.token_hex(6)}")
    threads: list[str] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)

    async def ask(self, number: int, method: str, path: str, told: Any = None) -> httpx.Response:
        """Send one request, to the servers by turns."""
        client = self.clients[number % len(self.clients)]
        return await client.request(method, path, json=told)

    async def say(self, number: int, thread: str, text: str) -> None:
        """Take a turn, and keep all that comes back."""
        told = {
            "assistant_id": "agent",
            "input": {"messages": [{"role": "user", "content": text}]},
            "stream_mode": ["messages-tuple", "updates", "values"],
            "context": {"system_prompt": f"You serve {self.name}."},
        }
        answer = await self.ask(number, "POST", f"/threads/{thread}/runs/stream", told)
        assert answer.status_code == 200, answer.text
        assert "event: error" not in answer.text, answer.text[-2_000:]
        self.replies.append(answer.text)


def tell_all(asked: dict[str, Any]) -> Reply:
    """Answer with every secret in the prompt."""
    found = sorted(set(SECRET.findall(json.dumps(asked["messages"]))))
    return Reply("I know of " + (", ".join(found) or "nothing") + ".")


async def converse(user: User, other: User, turns: int) -> None:
    """Tell a secret, and ask for it and for another's, in two threads."""
    for name in ("first", "second"):
        made = await user.ask(0, "POST", "/threads", {"metadata": {"thread_name": name}})
        assert made.status_code == 200, made.text
        user.threads.append(made.json()["thread_id"])
    said = [
        f"I am {user.name}. The word that opens my vault is {user.secret}. Keep it well.",
        "Which word opens my vault?",
        f"Which word opens the vault of {other.name}?",
        "Which words that open vaults do you know, of anybody?",
    ]
    for number in range(turns):
        await user.say(number, user.threads[number % 2], said[number % len(said)])


async def pry(user: User, other: User) -> dict[str, list[str]]:
    """Return all that a user can read, by every way there is; another's threads are not there."""
    query = {"namespace_prefix": [], "query": "the word that opens the vault", "limit": 100}
    found = {
        "replies": list(user.replies),
        "states": [
            (await user.ask(number, *how)).text
            for number, thread in enumerate(user.threads)
            for how in (("GET", f"/threads/{thread}/state"), ("POST", f"/threads/{thread}/history"))
        ],
        "searches": [
            (await user.ask(0, "POST", "/store/items/search", query)).text,
            (await user.ask(1, "POST", "/threads/search", {"limit": 1_000})).text,
            (await user.ask(0, "GET", "/me/memories?limit=10000")).text,
        ],
        "exports": [(await user.ask(1, "GET", "/me/export")).text],
    }
    for thread in other.threads:
        for how in (("GET", f"/threads/{thread}/state"), ("DELETE", f"/threads/{thread}")):
            refused = await user.ask(0, *how)
            assert refused.status_code == 404, refused.text
            found["states"].append(refused.text)
    return found


def leaked_into(prompt: str, users: Mapping[str, User]) -> bool:
    """Tell whether a prompt holds a secret that is not its user's, or those of two."""
    found, served = set(SECRET.findall(prompt)), SERVES.search(prompt)
    return bool(found - {users[served[1]].secret}) if served else len(found) > 1


def leaks(user: User, texts: Sequence[str]) -> int:
    """Return how many of another's secrets are in the texts."""
    return sum(len(set(SECRET.findall(text)) - {user.secret}) for text in texts)


async def measure(users: int = USERS, turns: int = TURNS, servers: int = SERVERS) -> dict[str, Any]:
    """Return what leaked, and how long it took."""
    async with schema() as (url, _), scripted_server() as model:
        model.answer = tell_all
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
                return await _measured(await _users(env, running, users), model, turns)


async def _users(env: dict[str, str], running: Sequence[Serving], count: int) -> list[User]:
    made = []
    async with open_store(settings_in(env)) as store:
        for number in range(count):
            name = f"user-{number}"
            token = await add_token(store, name)
            headers = {"Authorization": f"Bearer {token}"}
            clients = [
                httpx.AsyncClient(base_url=each.url, headers=headers, timeout=TIMEOUT)
                for each in running
            ]
            made.append(User(name, token, clients))
    return made


async def _measured(users: Sequence[User], model: ScriptedServer, turns: int) -> dict[str, Any]:
    others = [*users[1:], users[0]]
    began = time.perf_counter()
    pairs = list(zip(users, others, strict=True))
    await asyncio.gather(*(converse(user, other, turns) for user, other in pairs))
    taken = time.perf_counter() - began
    figures: dict[str, Any] = dict.fromkeys((f"secrets_of_others_in_{each}" for each in PLACES), 0)
    seen = 0
    for user, other in pairs:
        read = await pry(user, other)
        for place, texts in read.items():
            figures[f"secrets_of_others_in_{place}"] += leaks(user, texts)
        seen += all(user.secret in "".join(texts) for texts in read.values())
    prompts = [json.dumps(asked["messages"]) for asked in model.requests]
    known = {user.name: user for user in users}
    figures["secrets_of_others_in_prompts"] = sum(leaked_into(each, known) for each in prompts)
    for user in users:
        for client in user.clients:
            await client.aclose()
    figures |= {
        "users": len(users),
        "users_who_found_their_own_everywhere": seen,
        "turns": len(users) * turns,
        "prompts": len(prompts),
        "seconds": round(taken, 1),
        "turns_a_second": round(len(users) * turns / taken, 2),
    }
    return figures


def met_by(figures: Mapping[str, Any]) -> dict[str, bool]:
    """Return what the figures say of each promise; who finds nothing of their own proves none."""
    told = {each: not figures[f"secrets_of_others_in_{each}"] for each in PLACES}
    met = {f"no secret of others in {each}": none for each, none in told.items()}
    everywhere = figures["users_who_found_their_own_everywhere"] == figures["users"]
    return met | {"one's own in all that was read": everywhere}


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", action="store_true")
    parser.add_argument("--users", type=int, default=USERS)
    parser.add_argument("--turns", type=int, default=TURNS)
    parser.add_argument("--servers", type=int, default=SERVERS)
    asked = parser.parse_args()
    figures = asyncio.run(measure(asked.users, asked.turns, asked.servers))
    report("isolation", figures, met_by(figures), as_json=asked.json)


if __name__ == "__main__":
    main()
