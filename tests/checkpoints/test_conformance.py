"""LangGraph's own conformance suite for savers, every capability asserted on every backend."""

from collections.abc import AsyncIterator

import pytest
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.conformance import checkpointer_test, validate
from langgraph.checkpoint.conformance.capabilities import Capability

from tests.backends import BACKENDS, fresh_database
from threadkeep.base.user import acting_as
from threadkeep.checkpoints.owned import OwnedSaver
from threadkeep.checkpoints.savers import open_checkpointer, open_saver

CAPABILITIES = [capability.value for capability in Capability]


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("kind", BACKENDS)
async def test_the_saver_has_the_capability(kind: str, capability: str) -> None:
    async with fresh_database(kind) as url:

        @checkpointer_test(name=f"threadkeep on {kind}")
        async def saver() -> AsyncIterator[BaseCheckpointSaver[str]]:
            async with open_saver(url) as opened:
                yield opened

        report = await validate(saver, capabilities={capability})
    result = report.results[capability]
    assert result.failures == []
    assert result.detected
    assert result.passed
    assert result.tests_passed > 0


@pytest.mark.parametrize("capability", CAPABILITIES)
@pytest.mark.parametrize("kind", BACKENDS)
async def test_the_saver_has_the_capability_for_the_owner_of_a_thread(
    kind: str, capability: str
) -> None:
    async with fresh_database(kind) as url:

        @checkpointer_test(name=f"threadkeep on {kind}, owned")
        async def saver() -> AsyncIterator[BaseCheckpointSaver[str]]:
            async with open_checkpointer(url) as opened:
                assert isinstance(opened, OwnedSaver)
                yield opened

        with acting_as("ada"):
            report = await validate(saver, capabilities={capability})
    result = report.results[capability]
    assert result.failures == []
    assert result.tests_passed > 0
