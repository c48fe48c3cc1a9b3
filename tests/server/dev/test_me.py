"""A user's own memory over HTTP is what the terminal shows."""

import json
from pathlib import Path
from typing import Any

from tests.server.dev.running import Server, User, texts, until

MIRIAM = "My sister Miriam moved to Lisbon in March and keeps two parrots."


async def test_threads_memories_and_usage_are_those_of_the_terminal(
    ada: User, server: Server
) -> None:
    named = (await ada.http.get("/me/threads", params={"name": "trip"})).json()["threads"][0]
    assert named["turns"] == 0
    await ada.client.threads.create(thread_id=named["thread_id"], metadata={"thread_name": "trip"})
    await ada.say(named["thread_id"], MIRIAM)
    listed = (await ada.http.get("/me/threads")).json()["threads"]
    shown = [json.loads(line) for line in _lines(server, "threads", "list", "-u", ada.name)]
    assert [(t["thread_id"], t["name"], t["turns"]) for t in listed] == [
        (t["id"], t["name"], t["turns"]) for t in shown
    ]
    assert listed[0]["name"] == "trip"
    known = (await ada.http.get("/me/memories")).json()
    assert "Miriam" in [entity["name"] for entity in known["entities"]]
    told = [json.loads(line) for line in _lines(server, "memory", "list", "-u", ada.name)]
    assert {each["id"] for each in known["entities"] + known["facts"]} == {t["id"] for t in told}
    usage = (await ada.http.get("/me/usage", params={"by": "purpose"})).json()
    assert usage["total"]["calls"] == usage["usage"]["answer"]["calls"] == 1


async def test_an_export_is_one_that_import_takes(
    ada: User, server: Server, tmp_path: Path
) -> None:
    await ada.say(None, MIRIAM)
    answer = await ada.http.get("/me/export")
    assert answer.headers["content-type"].startswith("application/x-ndjson")
    file = tmp_path / "export.jsonl"
    file.write_bytes(answer.content)
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
    (memory,) = [each for each in why["memories"] if each["text"] == MIRIAM]
    asked = {"id": memory["id"], "text": "My sister Miriam moved to Porto."}
    done = (await ada.http.post("/me/memories/correct", json=asked)).json()
    assert (done["was"], done["text"]) == (MIRIAM, asked["text"])
    history = await ada.http.get("/me/memories/history", params={"id": memory["id"]})
    assert [each["text"] for each in history.json()["history"]] == [MIRIAM, asked["text"]]
    pinned = (await ada.http.post("/me/pins", json={"id": memory["id"]})).json()
    assert pinned["shown"]
    small = {"id": memory["id"], "context": {"pinned_tokens": 0}}
    assert not (await ada.http.post("/me/pins", json=small)).json()["shown"]
    assert (await ada.http.get("/me/pins")).json()["pins"] == [pinned]
    told = json.loads(server.run("memory", "pins", "-u", ada.name, "--json").stdout)
    assert told == pinned
    gone = await ada.http.delete("/me/pins", params={"id": memory["id"]})
    assert gone.json() == {"id": memory["id"]}
    assert (await ada.http.get("/me/pins")).json() == {"pins": []}


async def test_what_is_asked_for_wrongly_is_said(ada: User) -> None:
    for path, said in (
        ("/me/threads?limit=0", "limit '0' is not allowed"),
        ("/me/memories?limit=many", "limit 'many' is not allowed"),
        ("/me/usage?by=colour", "by 'colour' is not allowed"),
        ("/me/threads?name=%20", "The thread ' ' is not allowed"),
        ("/me/export?thread=nowhere", "has no thread 'nowhere'"),
        ("/me/memories/history", "id None is not allowed"),
        ("/me/memories/history?id=nothing", "You have no memory 'nothing'"),
        ("/me/pins?context=[]", "context is no JSON object"),
        ("/me/pins?context={", "context is no JSON"),
        ('/me/pins?context={"pinned_tokens":-1}', "pinned_tokens"),
    ):
        answer = await ada.http.get(path)
        assert answer.status_code == 422
        assert said in answer.json()["detail"]


def _lines(server: Server, *args: str) -> list[str]:
    return server.run(*args, "--json").stdout.splitlines()


async def test_a_user_who_is_forgotten_leaves_nothing_and_no_way_in(
    ada: User, bob: User, server: Server
) -> None:
    secret = f"tulip-{ada.key[:8]}"
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

    async def gone() -> bool:
        kept = [path for path in server.home.server.rglob("*") if path.is_file()]
        return not any(secret.encode() in path.read_bytes() for path in kept)

    # The server writes its own files every ten seconds.
    await until(gone)
    again = await server.user(ada.name)
    assert (await again.http.get("/me/threads")).json()["threads"] == []
    assert await again.client.threads.search() == []
    assert (await again.client.store.search_items([]))["items"] == []
    assert secret not in texts(await again.say(None, "What opens the vault?"))[-1]
    assert "rose" in texts(await bob.say(None, "What opens the vault?"))[-1]
