"""What a client may send with a run."""

from pathlib import Path
from typing import Any

import pytest

from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings
from threadkeep.memory import open_memory
from threadkeep.server.run_input import validate_run


def run_with(model: str) -> dict[str, Any]:
    return {"kwargs": {"input": None, "context": {"model": model}, "config": {}}}


async def test_a_client_cannot_choose_a_provider_that_the_server_does_not_use(
    tmp_path: Path,
) -> None:
    async with open_memory(Settings(home=tmp_path, model="offline")) as memory:
        await validate_run(memory, "ada", run_with("offline"))
        with pytest.raises(BadInput, match="'anthropic:claude-x' is of a provider"):
            await validate_run(memory, "ada", run_with("anthropic:claude-x"))
