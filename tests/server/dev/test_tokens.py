"""Authentication: the user of a token; without tokens the operator, on this machine alone."""

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
async def test_a_request_without_a_valid_token_is_refused_with_the_remedy(
    server: Server, headers: dict[str, str]
) -> None:
    async with httpx.AsyncClient(base_url=server.url, headers=headers) as client:
        for path in ("/me/memories", "/threads/search"):
            method = "GET" if path.startswith("/me") else "POST"
            response = await client.request(method, path, json={})
            assert response.status_code == 401
            assert "threadkeep user add NAME" in response.json()["detail"]


async def test_an_altered_token_is_refused(server: Server, ada: User) -> None:
    for token in (ada.token[:-1], ada.token + "x", ada.token.upper(), ada.token[::-1]):
        other = server.as_user("ada", token)
        assert (await other.http.get("/me/memories")).status_code == 401


async def test_a_token_is_printed_once_and_stored_nowhere(server: Server, ada: User) -> None:
    secret = ada.token.rpartition("_")[2].encode()
    for path in server.settings.home.rglob("*"):
        assert not path.is_file() or secret not in path.read_bytes(), path
    assert secret.decode() not in server.log_text()


async def test_a_revoked_token_is_refused_and_the_memory_stays(server: Server, ada: User) -> None:
    await ada.say(None, "I live in Bergen.")
    server.run("user", "revoke", ada.name)
    assert (await ada.http.get("/me/memories")).status_code == 401
    assert ada.name not in server.run("user", "list").stdout
    again = server.as_user(ada.name, server.run("user", "add", ada.name).stdout.strip())
    assert "Bergen" in texts(await again.say(None, "Where do I live?"))[-1]


async def test_the_user_is_that_of_the_token_whatever_a_run_contains(ada: User, bob: User) -> None:
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
        response = await bob.http.post("/runs/wait", json=run | trick)
        assert "tulip" not in response.text
    fields: dict[str, Any] = {"user_id": ada.name}
    for field in ({"context": fields}, {"config": {"configurable": fields}}):
        response = await bob.http.post("/runs/wait", json=run | field)
        assert response.status_code == 422
        assert "user_id" in response.json()["detail"]


async def test_pages_of_other_origins_are_refused(server: Server) -> None:
    async with httpx.AsyncClient(base_url=server.url) as client:
        headers = {"Access-Control-Request-Method": "POST"}
        for origin, allowed in (
            (STUDIO, True),
            ("http://localhost:3000", True),
            (EVIL, False),
            ("http://localhost.evil.example", False),
        ):
            response = await client.options("/threads", headers={"Origin": origin, **headers})
            assert (response.headers.get("access-control-allow-origin") == origin) is allowed


async def test_without_tokens_only_this_machine_acts_as_the_operator(
    tmp_path: Path,
) -> None:
    server = new_server(tmp_path)
    server.start(langgraph_dev=True)
    try:
        local = server.as_user("owner", "")
        assert "Noted" in texts(await local.say(None, "My sister Miriam moved to Lisbon."))[-1]
        assert "Lisbon" in server.run("memory", "list", "-u", "owner").stdout
        for headers in (
            {"Host": "evil.example"},
            {"Origin": EVIL},
            {"X-Forwarded-For": "203.0.113.7"},
        ):
            response = await local.http.get("/me/memories", headers=headers)
            assert response.status_code == 401
        for origin in (STUDIO, "http://localhost:3000"):
            response = await local.http.get("/me/memories", headers={"Origin": origin})
            assert response.status_code == 200
        token = server.run("user", "add", "bob").stdout.strip()
        assert (await local.http.get("/me/memories")).status_code == 401
        bob = server.as_user("bob", token)
        assert (await bob.http.get("/me/memories")).json()["entities"] == []
        server.run("user", "revoke", "bob")
        assert (await local.http.get("/me/memories")).status_code == 401
    finally:
        server.kill()


def test_the_server_prints_who_has_access(tmp_path: Path) -> None:
    server = new_server(tmp_path)
    server.start("--user", "ada")
    try:
        log = server.log_text()
        assert f"API {server.url}" in log
        assert f"/studio/?baseUrl={server.url}" in log
        assert "On this machine no token is needed: whoever asks is 'ada'." in log
        assert httpx.get(f"{server.url}/me/threads").json() == {"threads": []}
        assert not list((tmp_path / "cwd").iterdir())
        process = server.run("serve", "--port", str(server.port), code=2)
        assert "choose another with --port" in process.stderr
    finally:
        server.kill()
