"""LangGraph's own conformance suite for savers, with every capability asserted by name."""

from collections.abc import AsyncIterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import Capability

from checkpoints.savers import open_checkpointer


@checkpointer_test(name="threadkeep on SQLite")
async def sqlite() -> AsyncIterator[BaseCheckpointSaver[str]]:
    with TemporaryDirectory() as folder:
        async with open_checkpointer(Path(folder) / "threadkeep.sqlite") as saver:
            yield saver


@pytest.mark.parametrize("capability", [each.value for each in Capability])
async def test_the_sqlite_saver_has_the_capability(capability: str) -> None:
    report = await validate(sqlite, capabilities={capability})
    result = report.results[capability]
    assert result.failures == []
    assert result.detected
    assert result.passed
    assert result.tests_passed > 0
