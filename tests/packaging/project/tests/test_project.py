"""This project's own modules are imported, and threadkeep's beside them."""

from pathlib import Path

import checkpoints
import cli
import turn
from graph.agent import builder
from server.auth import auth
from stores.memory import open_store

import threadkeep
import threadkeep.checkpoints.savers
import threadkeep.cli.app
import threadkeep.graph.agent
import threadkeep.turn

ROOT = Path(__file__).parents[1]


def test_each_name_is_the_one_of_its_own_package() -> None:
    assert {checkpoints.NAME, cli.NAME, turn.NAME} == {"project"}
    assert set(builder.nodes) == {"answer"}
    assert "call_model" in threadkeep.graph.agent.builder.nodes
    assert auth
    assert open_store
    assert ".venv" in Path(threadkeep.__file__).relative_to(ROOT).parts
