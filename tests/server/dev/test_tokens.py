"""Who gets in: a token's user, and on this machine alone the one who runs the server."""

from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.server.dev.running import Server, User, new_server, texts

EVIL = "https://evil.example"
STUDIO = "https://smith.langchain.com"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer tk_0123456789ab_nonsense"},
        {"Authorization": "Bearer ../../../etc/passwd"},
        {"Authorization": "Bearer tk__"},
        {"Authorization": "Basic YWRhOg=="},
        {"x-api-key": "lsv2_nonsense"},
        {"x-auth-scheme": "langsmith"},
        {"x-auth-scheme": "langsmith", "x-api-key": "nonsense", "x-user-id": "ada"},
    ],
)
async def test_whoever_has_no_token_is_told_so(server: Server, headers: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
        for path in ("/me/memories", "/threads/search"):
            method = "GET" if path.startswith("/me") else "POST"
            answer = await client.request(method, path, json={})
            assert answer.status_code == 401
            assert "threadkeep user add NAME" in answer.json()["detail"]


async def test_a_part_of_a_token_is_no_token(server: Server, ada: User) -> None:
    for told in (ada.token[:-1], ada.token + "x", ada.token.upper(), ada.token[::-1]):
        other = server.as_user("ada", told)
        assert (await other.http.get("/me/memories")).status_code == 401


async def test_a_token_is_shown_once_and_nowhere_kept(server: Server, ada: User) -> None:
    secret = ada.token.rpartition("_")[2].encode()
    for path in server.home.home.rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes(), path
    assert secret.decode() not in server.said()


async def test_a_revoked_token_is_worthless_and_the_memory_stays(server: Server, ada: User) -> None:
    await ada.say(None, "I live in Bergen.")
    server.run("user", "revoke", ada.name)
    assert (await ada.http.get("/me/memories")).status_code == 401
    assert ada.name not in server.run("user", "list").stdout
    again = server.as_user(ada.name, server.run("user", "add", ada.name).stdout.strip())
    assert "Bergen" in texts(await again.say(None, "Where do I live?"))[-1]


async def test_the_user_is_the_tokens_whatever_is_written_elsewhere(ada: User, bob: User) -> None:
    await ada.say(None, "The vault opens with tulip-4711.")
    run: dict[str, Any] = {"assistant_id": "agent", "input": {"messages": "What opens the vault?"}}
    tricks: list[dict[str, Any]] = [
        {"config": {"configurable": {"langgraph_auth_user_id": ada.name}}},
        {"config": {"configurable": {"langgraph_auth_user": {"identity": ada.name}}}},
        {"config": {"metadata": {"user_id": ada.name, "owner": ada.name}}},
        {"metadata": {"user_id": ada.name, "owner": ada.name}},
        {"context": {"langgraph_auth_user_id": ada.name}},
    ]
    for trick in tricks:
        answer = await bob.http.post("/runs/wait", json=run | trick)
        assert "tulip" not in answer.text
    named: dict[str, Any] = {"user_id": ada.name}
    for field in ({"context": named}, {"config": {"configurable": named}}):
        answer = await bob.http.post("/runs/wait", json=run | field)
        assert answer.status_code == 422
        assert "user_id" in answer.json()["detail"]


async def test_pages_of_elsewhere_may_not_ask(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        asked = {"Access-Control-Request-Method": "POST"}
        for origin, allowed in (
            (STUDIO, True),
            ("http://localhost:3000", True),
            (EVIL, False),
            ("http://localhost.evil.example", False),
        ):
            answer = await client.options("/threads", headers={"Origin": origin, **asked})
            assert (answer.headers.get("access-control-allow-origin") == origin) is allowed


async def test_without_tokens_only_this_machine_asks_as_the_one_who_runs_it(
    tmp_path: Path,
) -> None:
    server = new_server(tmp_path)
    server.start(plain=True)
    try:
        local = server.as_user("owner", "")
        assert "Noted" in texts(await local.say(None, "My sister Miriam moved to Lisbon."))[-1]
        assert "Lisbon" in server.run("memory", "list", "-u", "owner").stdout
        for headers in (
            {"Host": "evil.example"},
            {"Origin": EVIL},
            {"X-Forwarded-For": "203.0.113.7"},
        ):
            answer = await local.http.get("/me/memories", headers=headers)
            assert answer.status_code == 401
        for origin in (STUDIO, "http://localhost:3000"):
            answer = await local.http.get("/me/memories", headers={"Origin": origin})
            assert answer.status_code == 200
        token = server.run("user", "add", "bob").stdout.strip()
        assert (await local.http.get("/me/memories")).status_code == 401
        bob = server.as_user("bob", token)
        assert (await bob.http.get("/me/memories")).json()["entities"] == []
        server.run("user", "revoke", "bob")
        assert (await local.http.get("/me/memories")).status_code == 401
    finally:
        server.kill()


def test_the_server_says_who_may_ask(tmp_path: Path) -> None:
    server = new_server(tmp_path)
    server.start("--user", "ada")
    try:
        said = server.said()
        assert f"API {server.url}" in said
        assert f"/studio/?baseUrl={server.url}" in said
        assert "On this machine no token is needed: whoever asks is 'ada'." in said
        assert httpx.get(f"{server.url}/me/threads").json() == {"threads": []}
        assert not list((tmp_path / "cwd").iterdir())
        taken = server.run("serve", "--port", str(server.port), code=2)
        assert "choose another with --port" in taken.stderr
    finally:
        server.kill()
