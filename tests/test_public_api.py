"""What `import threadkeep` offers."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import FakeListChatModel

import threadkeep
from threadkeep import Memory, Settings, builder, open_checkpointer, open_memory, open_store


def test_every_public_name_can_be_imported() -> None:
    for name in threadkeep.__all__:
        assert getattr(threadkeep, name).__module__.startswith(("threadkeep.", "langgraph.")), name
    assert sorted(threadkeep.__all__) == threadkeep.__all__ == dir(threadkeep)
    with pytest.raises(AttributeError, match="has no attribute 'nothing'"):
        threadkeep.__getattr__("nothing")


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = (
        "import sys, threadkeep; "
        "heavy = ('langgraph', 'langchain_core', 'pydantic', 'numpy'); "
        "print([name for name in heavy if name in sys.modules])"
    )
    process = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == "[]"


async def say(memory: Memory, text: str, **context: object) -> str:
    turn = await memory.say(text, thread="first", context=context, user_id="ada")
    await turn.finished()
    return turn.reply


async def test_a_chat_model_of_the_caller_answers(tmp_path: Path) -> None:
    model: BaseChatModel = FakeListChatModel(responses=["Hello from a model of mine."])
    async with open_memory(Settings(home=tmp_path), model=model) as memory:
        assert await say(memory, "Hi.") == "Hello from a model of mine."
        assert "I know nothing" not in await say(memory, "Hi.", model="offline")


async def test_arguments_win_over_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THREADKEEP_HOME", str(tmp_path / "of-the-environment"))
    monkeypatch.setenv("THREADKEEP_MODEL", "openai/nobody-asks-it")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-of-the-environment")
    settings = Settings(home=tmp_path / "of-the-caller", model="offline", openai_api_key=None)
    monkeypatch.setenv("THREADKEEP_TTL_DAYS", "0.00001")
    async with open_memory(settings) as memory:
        await say(memory, "I live in Bergen.")
        assert "Bergen" in await say(memory, "Where do I live?")
        assert memory.settings.ttl_minutes is None
    assert (tmp_path / "of-the-caller" / "threadkeep.sqlite").exists()
    assert not (tmp_path / "of-the-environment").exists()


async def test_a_library_call_leaves_the_environment_alone(tmp_path: Path) -> None:
    import os

    before = dict(os.environ)
    async with open_memory(Settings(home=tmp_path, model="offline")) as memory:
        await say(memory, "I live in Bergen.")
    assert dict(os.environ) == before


async def test_the_parts_make_a_graph_of_ones_own(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, model="offline")
    async with (
        open_store(settings) as store,
        open_checkpointer(settings.checkpoint_database) as saver,
    ):
        graph = builder.compile(checkpointer=saver, store=store)
        config: Any = {"configurable": {"thread_id": "a-thread", "user_id": "ada"}}
        context: Any = {"user_id": "ada"}
        for text in ("I live in Bergen.", "Where do I live?"):
            values: Any = {"messages": [("user", text)]}
            result = await graph.ainvoke(values, config, context=context)
    assert "Bergen" in str(result["messages"][-1].content)
