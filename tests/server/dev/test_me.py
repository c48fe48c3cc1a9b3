"""The memory that a user reads over HTTP is the one that the terminal shows."""

import json
from pathlib import Path
from typing import Any

from tests.server.dev.running import Server, User, texts, wait_until

MIRIAM = "My sister Miriam moved to Lisbon in March and keeps two parrots."


async def test_threads_memories_and_usage_are_those_of_the_terminal(
    ada: User, server: Server
) -> None:
    row = (await ada.http.get("/me/threads", params={"name": "trip"})).json()["threads"][0]
    assert row["turns"] == 0
    await ada.client.threads.create(thread_id=row["thread_id"], metadata={"thread_name": "trip"})
    await ada.say(row["thread_id"], MIRIAM)
    rows = (await ada.http.get("/me/threads")).json()["threads"]
    terminal_rows = [json.loads(line) for line in _lines(server, "threads", "list", "-u", ada.name)]
    assert [(t["thread_id"], t["name"], t["turns"]) for t in rows] == [
        (t["id"], t["name"], t["turns"]) for t in terminal_rows
    ]
    assert rows[0]["name"] == "trip"
    memories = (await ada.http.get("/me/memories")).json()
    assert "Miriam" in [entity["name"] for entity in memories["entities"]]
    terminal_items = [json.loads(line) for line in _lines(server, "memory", "list", "-u", ada.name)]
    assert {item["id"] for item in memories["entities"] + memories["facts"]} == {
        item["id"] for item in terminal_items
    }
    usage = (await ada.http.get("/me/usage", params={"by": "purpose"})).json()
    assert usage["total"]["calls"] == usage["usage"]["answer"]["calls"] == 1


async def test_an_export_can_be_imported(ada: User, server: Server, tmp_path: Path) -> None:
    await ada.say(None, MIRIAM)
    response = await ada.http.get("/me/export")
    assert response.headers["content-type"].startswith("application/x-ndjson")
    file = tmp_path / "export.jsonl"
    file.write_bytes(response.content)
    server.run("import", str(file), "-u", f"{ada.name}-again")
    assert "Lisbon" in server.run("memory", "list", "-u", f"{ada.name}-again").stdout


async def test_why_corrections_and_pins_are_those_of_the_terminal(
    ada: User, server: Server
) -> None:
    await ada.say(None, MIRIAM)
    thread = (await ada.client.threads.create())["thread_id"]
    await ada.say(thread, "Where does my sister Miriam live?")
    why = (await ada.http.get(f"/me/threads/{thread}/why")).json()
    assert why == json.loads(
        server.run("memory", "why", "-u", ada.name, "-t", thread, "--json").stdout
    )
    (memory,) = [memory for memory in why["memories"] if memory["text"] == MIRIAM]
    body = {"id": memory["id"], "text": "My sister Miriam moved to Porto."}
    correction = (await ada.http.post("/me/memories/correct", json=body)).json()
    assert (correction["was"], correction["text"]) == (MIRIAM, body["text"])
    history = await ada.http.get("/me/memories/history", params={"id": memory["id"]})
    assert [wording["text"] for wording in history.json()["history"]] == [MIRIAM, body["text"]]
    pinned = (await ada.http.post("/me/pins", json={"id": memory["id"]})).json()
    assert pinned["shown"]
    small = {"id": memory["id"], "context": {"pinned_tokens": 0}}
    assert not (await ada.http.post("/me/pins", json=small)).json()["shown"]
    assert (await ada.http.get("/me/pins")).json()["pins"] == [pinned]
    terminal_pin = json.loads(server.run("memory", "pins", "-u", ada.name, "--json").stdout)
    assert terminal_pin == pinned
    removal = await ada.http.delete("/me/pins", params={"id": memory["id"]})
    assert removal.json() == {"id": memory["id"]}
    assert (await ada.http.get("/me/pins")).json() == {"pins": []}


async def test_a_bad_query_is_refused_in_a_sentence(ada: User) -> None:
    for path, detail in (
        ("/me/threads?limit=0", "limit '0' is not allowed"),
        ("/me/memories?limit=many", "limit 'many' is not allowed"),
        ("/me/usage?by=colour", "by 'colour' is not allowed"),
        ("/me/threads?name=%20", "The thread ' ' is not allowed"),
        ("/me/export?thread=nowhere", "has no thread 'nowhere'"),
        ("/me/memories/history", "id None is not allowed"),
        ("/me/memories/history?id=nothing", "You have no memory 'nothing'"),
        ("/me/pins?context=[]", "context is not a JSON object"),
        ("/me/pins?context={", "context is not JSON"),
        ('/me/pins?context={"pinned_tokens":-1}', "pinned_tokens"),
    ):
        response = await ada.http.get(path)
        assert response.status_code == 422
        assert detail in response.json()["detail"]


def _lines(server: Server, *args: str) -> list[str]:
    return server.run(*args, "--json").stdout.splitlines()


async def test_a_forgotten_user_leaves_no_data_and_no_valid_token(
    ada: User, bob: User, server: Server
) -> None:
    secret = f"tulip-{ada.owner[:8]}"
    await bob.say(None, "The vault opens with a rose.")
    thread = (await ada.client.threads.create())["thread_id"]
    await ada.say(thread, f"The vault opens with {secret}.")
    await ada.say(None, f"Remember {secret}.")
    await ada.client.assistants.create("agent", metadata={"topic": secret})
    hello: dict[str, Any] = {"messages": [{"role": "user", "content": secret}]}
    await ada.client.crons.create_for_thread(thread, "agent", schedule="0 0 1 1 *", input=hello)
    await ada.client.store.put_item(["books"], "one", {"text": secret})
    receipt = (await ada.http.delete("/me")).json()
    assert receipt["forgot"] == "user"
    removed = receipt["removed"]
    assert (removed["rows"], removed["crons"], removed["assistants"], removed["tokens"]) == (
        1,
        1,
        1,
        1,
    )
    assert (await ada.http.get("/me/memories")).status_code == 401

    async def is_erased() -> bool:
        files = [path for path in server.settings.server.rglob("*") if path.is_file()]
        return not any(secret.encode() in path.read_bytes() for path in files)

    # The server writes its own files every ten seconds.
    await wait_until(is_erased)
    again = await server.user(ada.name)
    assert (await again.http.get("/me/threads")).json()["threads"] == []
    assert await again.client.threads.search() == []
    assert (await again.client.store.search_items([]))["items"] == []
    assert secret not in texts(await again.say(None, "What opens the vault?"))[-1]
    assert "rose" in texts(await bob.say(None, "What opens the vault?"))[-1]
