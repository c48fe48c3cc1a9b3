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
from tests.server.http.helpers import Servers
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
    servers: Servers, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> Terminal:
    """Run a command against the server, without a data folder; return what it prints."""

    async def ask(
        token: str, *args: str, stdin: str = "", url: str = "", code: int = 0
    ) -> tuple[str, str]:
        monkeypatch.setenv("THREADKEEP_HOME", "/nonexistent/home")
        monkeypatch.setenv("THREADKEEP_TOKEN", token)
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        command = [*args, "--url", url or servers.server.url]
        capfd.readouterr()
        exit_status = await asyncio.to_thread(
            exit_code, lambda: app(command, standalone_mode=False)
        )
        out, err = capfd.readouterr()
        assert exit_status == code, (out, err)
        assert "Traceback" not in err
        return out, err

    return ask


async def test_the_terminal_talks_to_a_server_that_remembers(
    servers: Servers, threadkeep: Terminal
) -> None:
    token = await servers.token("terminal")
    out, _ = await threadkeep(token, "ask", "-t", "first", MIRIAM)
    assert "Lisbon" in out
    json_out, _ = await threadkeep(
        token, "ask", "-t", "second", "--json", "Where does my sister live?"
    )
    answer = json.loads(json_out)
    assert "Lisbon" in answer["reply"]
    assert answer["thread"] == "second"
    assert MIRIAM in [memory["text"] for memory in answer["memories"]]
    assert answer["tokens"]["limit"] == 8000
    again, _ = await threadkeep(token, "ask", "-c", "Where does my sister live?")
    assert "Lisbon" in again
    other, _ = await threadkeep(
        await servers.token("other"), "ask", "-t", "first", "Where does my sister live?"
    )
    assert "Lisbon" not in other


async def test_the_chat_undoes_forks_and_changes_threads_on_a_server(
    servers: Servers, threadkeep: Terminal
) -> None:
    token = await servers.token("chatter")
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
    # On a pipe the exit code tells that a line failed.
    out, err = await threadkeep(token, "chat", "-t", "trip", stdin="\n".join(lines), code=2)
    replies = out.splitlines()
    assert replies[:2] == ["Noted: you live in Bergen.", "Noted: you moved to Oslo."]
    assert all("Bergen" in reply and "Oslo" not in reply for reply in replies[2:])
    assert len(replies) == 4
    assert "Taken back: I moved to Oslo." in err
    assert "Now in thread 'copy'." in err
    assert "7 turns of thread 'fresh' cannot be taken back" in err


async def test_the_chat_explains_corrects_and_pins_on_a_server(
    servers: Servers, threadkeep: Terminal
) -> None:
    token = await servers.token("curious")
    await threadkeep(token, "ask", "-t", "first", MIRIAM)
    question = "Where does my sister Miriam live?"
    out, _ = await threadkeep(token, "chat", "-t", "second", stdin=f"{question}\n/why")
    assert f"Question: {question}" in out
    assert 'in "first"' in out
    assert "words +" in out
    (memory,) = re.findall(rf"(\w+)  message,[^\n]*\n  {re.escape(MIRIAM)}", out)
    lines = [
        f"/pin {memory}",
        "/pin",
        f"/correct {memory} My sister Miriam moved to Porto.",
        "/new third",
        question,
        f"/unpin {memory}",
        "/pin",
        "/correct nonsense Anything.",
        "/why",
    ]
    out, err = await threadkeep(token, "chat", "-t", "second", stdin="\n".join(lines), code=2)
    out_lines = out.splitlines()
    assert out_lines[0].startswith(memory)
    assert "My sister Miriam moved to Porto." in out_lines[1]
    assert "Porto" in out_lines[2]
    assert "Lisbon" not in out_lines[2]
    assert out_lines[3] == "Nothing is pinned."
    assert "moved to Porto" in "\n".join(out_lines[4:])
    assert f"Pinned: {MIRIAM}" in err
    assert "No longer pinned: " in err
    assert "You have no memory 'nonsense'" in err
    stranger = await servers.token("stranger")
    _, err = await threadkeep(stranger, "chat", stdin=f"/pin {memory}\n/why\n/pin\n", code=2)
    assert f"You have no memory '{memory}'" in err
    assert "with an answer" in err


async def test_the_chat_forgets_on_a_server(servers: Servers, threadkeep: Terminal) -> None:
    token = await servers.token("regretful")
    await threadkeep(token, "ask", "-t", "first", MIRIAM)
    question = "Where does my sister Miriam live?"
    out, _ = await threadkeep(token, "chat", "-t", "second", stdin=f"{question}\n/why")
    (memory,) = re.findall(rf"(\w+)  message,[^\n]*\n  {re.escape(MIRIAM)}", out)
    lines = [
        f"/forget {memory} --yes --verify",
        f"/forget {memory} --yes",
        f"/forget {memory} --yes",
        "/forget thread nowhere --yes",
        "/new third",
        question,
        "/forget thread --yes",
        question,
        "/forget everything --yes",
    ]
    out, err = await threadkeep(token, "chat", "-t", "second", stdin="\n".join(lines), code=2)
    assert "--verify reads files" in err
    assert "Forgotten: message" in out
    assert f"There is no memory '{memory}'" in err
    assert "has no thread 'nowhere'" in err
    assert "Forgotten: thread" in out
    assert "Forgotten: user" in out
    assert "Lisbon" not in out.partition("Forgotten: message")[2].partition("\nRemoved")[2]
    _, err = await threadkeep(token, "ask", question, code=1)
    assert "does not let you in" in err


async def test_an_error_of_a_server_is_one_sentence_with_its_exit_code(
    servers: Servers, threadkeep: Terminal
) -> None:
    token, model = await servers.token("ada"), ("-m", "scripted")

    async def fails(code: int, sentence: str, *args: str, lines: int = 1, **options: Any) -> None:
        used_token = options.pop("token", token)
        _, err = await threadkeep(used_token, "ask", "hello", *args, code=code, **options)
        assert sentence in err
        assert len([line for line in err.splitlines() if line]) == lines

    await fails(1, "does not let you in", token="nonsense")
    await fails(1, "THREADKEEP_TOKEN", token="")
    await fails(1, "threadkeep serve starts a server", url="http://127.0.0.1:9")
    await fails(1, "is there a threadkeep server?", url=f"{servers.server.url}/elsewhere")
    await fails(2, "is no address", url="ftp://127.0.0.1")
    await fails(2, "the server knows --user", "-u", "bob")
    await fails(2, "max_tokens '9' is not allowed", "--context", "max_tokens=9")
    servers.model.script(Fault(status=401, body={"error": {"message": "no such key"}}))
    # A message that was kept without an answer is named in a line of its own.
    await fails(3, "key", *model, lines=2)
    servers.model.script(*[Fault(status=400, body={"error": {"message": "no such thing"}})] * 4)
    await fails(4, "no such thing", *model, lines=2)


async def test_the_example_of_the_docs_calls_a_server_through_remote_graph(
    servers: Servers,
) -> None:
    namespace: dict[str, Any] = {}
    (block,) = [
        b for b in re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL) if "RemoteGraph" in b
    ]
    exec(compile(block, "docs/in_your_graph.md", "exec"), namespace)
    async with namespace["client_with_token"](
        servers.server.url, await servers.token("remote")
    ) as client:
        thread = (await client.threads.create())["thread_id"]
        await namespace["ask_server"](client, thread, "I live in Bergen.")
        assert "Bergen" in await namespace["ask_server"](client, thread, "Where do I live?")


async def test_the_example_of_the_docs_calls_a_server_from_javascript(
    servers: Servers, tmp_path: Path
) -> None:
    node = shutil.which("node")
    if node is None or not NODE_MODULES.exists():
        absent("node", "no node, or not: npm install --prefix .venv-node @langchain/langgraph-sdk")
    client = await servers.client("script")
    thread = (await client.threads.create())["thread_id"]
    run_input: Any = {"messages": [{"role": "user", "content": "I live in Bergen."}]}
    await client.runs.wait(thread, "agent", input=run_input)
    (block,) = re.findall(r"```js\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "ask.mjs").write_text(block)
    (tmp_path / "node_modules").symlink_to(NODE_MODULES)
    env = {"THREADKEEP_URL": servers.server.url, "THREADKEEP_TOKEN": await servers.token("script")}
    process = await asyncio.to_thread(
        subprocess.run,
        [str(node), "ask.mjs"],
        cwd=tmp_path,
        env=env | {"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert process.returncode == 0, process.stderr
    assert "Bergen" in process.stdout
    assert "<memories>" not in process.stdout
