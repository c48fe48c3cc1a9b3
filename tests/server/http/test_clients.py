"""Clients of a server: the terminal with --url, and RemoteGraph and JavaScript as in the docs."""

import asyncio
import io
import json
import os
import re
import shutil
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from tests.backends import ROOT, absent
from tests.server.http.helpers import House
from threadkeep.cli.app import app
from threadkeep.cli.exit_codes import exit_code
from threadkeep.testing import Fault

pytestmark = pytest.mark.asyncio(loop_scope="module")
PAGE = (ROOT / "docs/in_your_graph.md").read_text()
NODE_MODULES = ROOT / ".venv-node/node_modules"
MIRIAM = "My sister Miriam moved to Lisbon in March and keeps two parrots."


Terminal = Callable[..., Awaitable[tuple[str, str]]]


@pytest.fixture
def threadkeep(
    house: House, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Terminal:
    """A command against the server, from an empty home; what it prints is returned."""

    async def ask(
        token: str, *args: str, given: str = "", url: str = "", code: int = 0
    ) -> tuple[str, str]:
        monkeypatch.setenv("THREADKEEP_HOME", "/nonexistent/home")
        monkeypatch.setenv("THREADKEEP_TOKEN", token)
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        command = [*args, "--url", url or house.server.url]
        capfd.readouterr()
        ended = await asyncio.to_thread(exit_code, lambda: app(command, standalone_mode=False))
        out, err = capfd.readouterr()
        assert ended == code, (out, err)
        assert "Traceback" not in err
        return out, err

    return ask


async def test_the_terminal_talks_to_a_server_and_remembers_there(
    house: House, threadkeep: Terminal
) -> None:
    token = await house.token("terminal")
    said, _ = await threadkeep(token, "ask", "-t", "first", MIRIAM)
    assert "Lisbon" in said
    told, _ = await threadkeep(token, "ask", "-t", "second", "--json", "Where does my sister live?")
    answer = json.loads(told)
    assert "Lisbon" in answer["reply"]
    assert answer["thread"] == "second"
    assert MIRIAM in [memory["text"] for memory in answer["memories"]]
    assert answer["tokens"]["limit"] == 8000
    again, _ = await threadkeep(token, "ask", "-c", "Where does my sister live?")
    assert "Lisbon" in again
    other, _ = await threadkeep(
        await house.token("other"), "ask", "-t", "first", "Where does my sister live?"
    )
    assert "Lisbon" not in other


async def test_the_chat_undoes_forks_and_changes_threads_at_a_server(
    house: House, threadkeep: Terminal
) -> None:
    token = await house.token("chatter")
    lines = [
        "I live in Bergen.",
        "I moved to Oslo.",
        "/undo",
        "/fork copy",
        "Where do I live?",
        "/new fresh",
        "Where do I live?",
        "/undo 7",
    ]
    said, told = await threadkeep(token, "chat", "-t", "trip", given="\n".join(lines))
    answers = said.splitlines()
    assert answers[:2] == ["Noted: you live in Bergen.", "Noted: you moved to Oslo."]
    assert all("Bergen" in answer and "Oslo" not in answer for answer in answers[2:])
    assert len(answers) == 4
    assert "Taken back: I moved to Oslo." in told
    assert "Now in thread 'copy'." in told
    assert "7 turns of thread 'fresh' cannot be taken back" in told


async def test_the_chat_asks_why_corrects_and_pins_at_a_server(
    house: House, threadkeep: Terminal
) -> None:
    token = await house.token("curious")
    await threadkeep(token, "ask", "-t", "first", MIRIAM)
    asked = "Where does my sister Miriam live?"
    told, _ = await threadkeep(token, "chat", "-t", "second", given=f"{asked}\n/why")
    assert f"Question: {asked}" in told
    assert 'in "first"' in told
    assert "words +" in told
    (memory,) = re.findall(rf"(\w+)  message,[^\n]*\n  {re.escape(MIRIAM)}", told)
    lines = [
        f"/pin {memory}",
        "/pin",
        f"/correct {memory} My sister Miriam moved to Porto.",
        "/new third",
        asked,
        f"/unpin {memory}",
        "/pin",
        "/correct nonsense Anything.",
        "/why",
    ]
    said, err = await threadkeep(token, "chat", "-t", "second", given="\n".join(lines))
    answers = said.splitlines()
    assert answers[0].startswith(memory)
    assert "My sister Miriam moved to Porto." in answers[1]
    assert "Porto" in answers[2]
    assert "Lisbon" not in answers[2]
    assert answers[3] == "Nothing is pinned."
    assert "moved to Porto" in "\n".join(answers[4:])
    assert f"Pinned: {MIRIAM}" in err
    assert "No longer pinned: " in err
    assert "You have no memory 'nonsense'" in err
    stranger = await house.token("stranger")
    _, err = await threadkeep(stranger, "chat", given=f"/pin {memory}\n/why\n/pin\n")
    assert f"You have no memory '{memory}'" in err
    assert "with an answer" in err


async def test_the_chat_forgets_at_a_server(house: House, threadkeep: Terminal) -> None:
    token = await house.token("regretful")
    await threadkeep(token, "ask", "-t", "first", MIRIAM)
    asked = "Where does my sister Miriam live?"
    told, _ = await threadkeep(token, "chat", "-t", "second", given=f"{asked}\n/why")
    (memory,) = re.findall(rf"(\w+)  message,[^\n]*\n  {re.escape(MIRIAM)}", told)
    lines = [
        f"/forget {memory} --yes --verify",
        f"/forget {memory} --yes",
        f"/forget {memory} --yes",
        "/forget thread nowhere --yes",
        "/new third",
        asked,
        "/forget thread --yes",
        asked,
        "/forget everything --yes",
    ]
    said, err = await threadkeep(token, "chat", "-t", "second", given="\n".join(lines))
    assert "--verify reads files" in err
    assert "Forgotten: message" in said
    assert f"There is no memory '{memory}'" in err
    assert "has no thread 'nowhere'" in err
    assert "Forgotten: thread" in said
    assert "Forgotten: user" in said
    assert "Lisbon" not in said.partition("Forgotten: message")[2].partition("\nRemoved")[2]
    _, err = await threadkeep(token, "ask", asked, code=1)
    assert "does not let you in" in err


async def test_what_goes_wrong_at_a_server_is_one_sentence_with_its_exit_code(
    house: House, threadkeep: Terminal
) -> None:
    token, model = await house.token("ada"), ("-m", "scripted")

    async def fails(code: int, said: str, *args: str, **options: Any) -> None:
        told = options.pop("token", token)
        _, err = await threadkeep(told, "ask", "hello", *args, code=code, **options)
        assert said in err
        assert len([line for line in err.splitlines() if line]) == 1

    await fails(1, "does not let you in", token="nonsense")
    await fails(1, "THREADKEEP_TOKEN", token="")
    await fails(1, "threadkeep serve starts a server", url="http://127.0.0.1:9")
    await fails(1, "is there a threadkeep server?", url=f"{house.server.url}/elsewhere")
    await fails(2, "is no address", url="ftp://127.0.0.1")
    await fails(2, "the server knows --user", "-u", "bob")
    await fails(2, "max_tokens '9' is not allowed", "--context", "max_tokens=9")
    house.model.script(Fault(status=401, body={"error": {"message": "no such key"}}))
    await fails(3, "key", *model)
    house.model.script(*[Fault(status=400, body={"error": {"message": "no such thing"}})] * 4)
    await fails(4, "no such thing", *model)


async def test_the_page_asks_a_server_through_remote_graph(house: House) -> None:
    namespace: dict[str, Any] = {}
    (block,) = [
        b for b in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "RemoteGraph" in b
    ]
    exec(compile(block, "docs/in_your_graph.md", "exec"), namespace)
    async with namespace["known_by"](house.server.url, await house.token("remote")) as client:
        thread = (await client.threads.create())["thread_id"]
        await namespace["ask_server"](client, thread, "I live in Bergen.")
        assert "Bergen" in await namespace["ask_server"](client, thread, "Where do I live?")


async def test_the_page_asks_a_server_from_javascript(house: House, tmp_path: Path) -> None:
    node = shutil.which("node")
    if node is None or not NODE_MODULES.exists():
        absent("node", "no node, or not: npm install --prefix .venv-node @langchain/langgraph-sdk")
    client = await house.client("script")
    thread = (await client.threads.create())["thread_id"]
    said: Any = {"messages": [{"role": "user", "content": "I live in Bergen."}]}
    await client.runs.wait(thread, "agent", input=said)
    (block,) = re.findall(r"```js\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "ask.mjs").write_text(block)
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    env = {"THREADKEEP_URL": house.server.url, "THREADKEEP_TOKEN": await house.token("script")}
    done = await asyncio.to_thread(
        subprocess.run,
        [str(node), "ask.mjs"],
        cwd=tmp_path,
        env=env | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Bergen" in done.stdout
    assert "<memories>" not in done.stdout
