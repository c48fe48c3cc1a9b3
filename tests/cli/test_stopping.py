"""Ctrl-C in the chat stops the answer, not the chat."""

import asyncio
import os
import sys
from pathlib import Path

import pexpect

from tests.backends import ROOT
from threadkeep.testing import Reply, scripted_server


async def test_an_answer_is_stopped_and_the_conversation_goes_on(tmp_path: Path) -> None:
    async with scripted_server() as model:
        model.delay_between = 0.3
        model.answer = lambda request: Reply("one two three four five six seven eight nine ten")
        env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            "HOME": str(tmp_path),
            "TERM": "dumb",
            "THREADKEEP_HOME": str(tmp_path / "home"),
            "OPENAI_BASE_URL": model.base_url,
            "OPENAI_API_KEY": "none",
        }

        def talk() -> None:
            options = ["-m", "scripted", "-u", "ada", "--memory", "buffer"]
            program = ["-c", "from threadkeep.cli.app import main; main()", "chat", *options]
            chat = pexpect.spawn(sys.executable, program, env=env, timeout=60, encoding="utf-8")
            chat.expect("> ")
            chat.sendline("hello")
            chat.expect("two")
            chat.sendintr()
            chat.expect("Stopped")
            model.delay_between = 0.0
            chat.sendline("and again")
            chat.expect("ten")
            chat.sendline("/quit")
            chat.expect(pexpect.EOF)
            chat.close()
            assert chat.exitstatus == 0

        await asyncio.to_thread(talk)
        messages = model.requests[-1]["messages"]
        assert "and again" in [m["content"] for m in messages if m["role"] == "user"][-1]
