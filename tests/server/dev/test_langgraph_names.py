"""Names of LangGraph's server that have no public constant are the names that it uses."""

from importlib.metadata import files

import pytest

from threadkeep.graph.agent import graph
from threadkeep.server import access, run_input
from threadkeep.server.dev import auth
from threadkeep.server.dev.graph import CHECKPOINTER, STOP_ERRORS, server_graph

pytest.importorskip("langgraph_api")


def source_of(module: str) -> str:
    """Return the source of a module of langgraph_api; to import it needs a running server."""
    (file,) = [file for file in files("langgraph-api") or () if str(file) == module]
    return file.read_text()


def test_a_run_with_a_thread_has_a_checkpointer_in_its_config() -> None:
    from langgraph._internal._constants import CONFIG_KEY_CHECKPOINTER

    assert CHECKPOINTER == CONFIG_KEY_CHECKPOINTER


def test_a_run_that_its_user_stops_ends_with_these_errors() -> None:
    source = source_of("langgraph_api/errors.py")
    assert all(f"\nclass {name}(" in source for name in STOP_ERRORS)


def test_the_server_marks_a_context_that_the_client_sent() -> None:
    assert f'"{run_input.CONTEXT_PROVIDED}"' in source_of("langgraph_api/models/run.py")


def test_requests_of_the_server_to_itself_have_this_root_path() -> None:
    assert f'root_path="{access.INTERNAL}"' in source_of("langgraph_api/http.py")


def test_the_server_marks_the_assistant_that_it_creates() -> None:
    assert f'{{"{auth.CREATED_BY}": "system"}}' in source_of("langgraph_api/graph.py")


def test_the_graph_of_the_server_is_the_graph_of_the_terminal() -> None:
    assert server_graph.builder is graph.builder
    assert server_graph.nodes.keys() == graph.nodes.keys()
    assert server_graph.channels.keys() == graph.channels.keys()
