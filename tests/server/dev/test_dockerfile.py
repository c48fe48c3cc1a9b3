"""`langgraph dockerfile` makes an image of this repository that serves as `langgraph dev` does."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.backends import ROOT

pytest.importorskip("langgraph_cli")


@pytest.fixture(scope="module")
def dockerfile(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("image") / "Dockerfile"
    command = ["dockerfile", "--config", str(ROOT / "langgraph.json"), str(path)]
    subprocess.run(
        [sys.executable, "-m", "langgraph_cli", *command],
        env={"LANGGRAPH_CLI_NO_ANALYTICS": "1", "HOME": str(path.parent), "PATH": "/usr/bin:/bin"},
        check=True,
        capture_output=True,
        timeout=120,
    )
    return path.read_text()


def test_the_image_has_the_graph_the_memory_the_tokens_and_the_routes(dockerfile: str) -> None:
    config = json.loads((ROOT / "langgraph.json").read_text())
    variables = re.findall(r"^ENV (\w+)='(.*)'$", dockerfile, re.M)
    values = {name: json.loads(text) for name, text in variables}
    assert values["LANGSERVE_GRAPHS"] == config["graphs"]
    assert values["LANGGRAPH_CHECKPOINTER"] == config["checkpointer"]
    assert values["LANGGRAPH_STORE"] == config["store"]
    assert values["LANGGRAPH_AUTH"] == config["auth"]
    assert values["LANGGRAPH_AUTH"]["disable_studio_auth"] is True
    assert values["LANGGRAPH_HTTP"] == config["http"]
    assert re.search(r"^FROM langchain/langgraph-api:3\.1\d", dockerfile, re.M)
    assert re.search(r"^ADD \. /deps/\w+$", dockerfile, re.M)
    assert "pip install" in dockerfile


def test_the_image_has_no_keys_and_no_memory(dockerfile: str) -> None:
    assert "OPENAI_API_KEY" not in dockerfile
    assert "THREADKEEP_" not in dockerfile
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    assert {".env", ".git", ".venv*", ".langgraph_api", "*.sqlite*"} <= set(ignored)


def test_the_repository_and_the_wheel_have_the_same_configuration() -> None:
    packaged = (ROOT / "threadkeep/server/langgraph.json").read_text()
    assert Path(ROOT / "langgraph.json").read_text() == packaged
