"""The environment of a person who has set nothing."""

from pathlib import Path

import pytest

from tests.backends import ROOT, environ_without


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    """An environment with an empty data folder."""
    own = {"THREADKEEP_HOME": str(tmp_path / "home"), "HOME": str(tmp_path), "TERM": "dumb"}
    own |= {"THREADKEEP_NO_PROBE": "1", "PYTHONPATH": str(ROOT), "USER": "ada", "LOGNAME": "ada"}
    return environ_without("OPENAI_", "THREADKEEP_") | own
