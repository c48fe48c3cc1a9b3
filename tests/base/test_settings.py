"""Settings: arguments, a mapping in place of the environment, and names of the databases."""

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from threadkeep import Settings
from threadkeep.base.errors import StorageFailed


def test_a_mapping_is_read_in_place_of_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("THREADKEEP_HOME", str(tmp_path / "of-the-process"))
    monkeypatch.setenv("THREADKEEP_MODEL", "openai/other")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    settings = Settings(
        {
            "THREADKEEP_HOME": str(tmp_path / "mine"),
            "threadkeep_db": "memory://",
            "THREADKEEP_TTL_DAYS": "0.5",
            "THREADKEEP_NO_PROBE": "1",
            "THREADKEEP_TOKEN": "  ",
            "PATH": "/bin",
        }
    )
    assert settings.home == tmp_path / "mine"
    assert settings.checkpoint_database.kind == "memory"
    assert settings.ttl_minutes == 720
    assert not settings.probe
    assert (settings.model, settings.openai_api_key, settings.token) == (None, None, None)


def test_an_empty_mapping_reads_no_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREADKEEP_MODEL", "openai/other")
    assert Settings({}).model is None
    assert Settings(None).model == Settings().model == "openai/other"


def test_an_argument_takes_precedence_over_the_mapping(tmp_path: Path) -> None:
    variables = {"THREADKEEP_HOME": "/elsewhere", "THREADKEEP_DB": "memory://"}
    settings = Settings(variables, home=tmp_path, db=f"sqlite:///{tmp_path}/own.sqlite")
    assert settings.home == tmp_path
    assert settings.checkpoint_database.path == tmp_path / "own.sqlite"


def test_db_and_store_db_name_the_databases(tmp_path: Path) -> None:
    items = f"sqlite:///{tmp_path}/items.sqlite"
    settings = Settings(home=tmp_path, db="memory://", store_db=items)
    assert settings.checkpoint_database.kind == "memory"
    assert settings.item_database.path == tmp_path / "items.sqlite"
    assert settings == Settings(home=tmp_path, checkpoints="memory://", items=items)
    assert Settings(home=tmp_path, db=None, store_db=None) == Settings(home=tmp_path)


def test_a_database_that_cannot_be_used_is_refused_under_each_name(tmp_path: Path) -> None:
    with pytest.raises(StorageFailed, match="names no database"):
        Settings(home=tmp_path, db="nonsense")
    with pytest.raises(StorageFailed, match="cannot hold the long-term store"):
        Settings(home=tmp_path, store_db="redis://127.0.0.1")


@pytest.mark.parametrize("argument", ["/my/folder", Path("folder"), True, [("a", "b")], 3])
def test_another_positional_argument_is_a_type_error(argument: Any) -> None:
    with pytest.raises(TypeError, match="mapping of environment variables"):
        Settings(argument)


def test_two_positional_arguments_are_a_type_error() -> None:
    arguments: Any = ({}, {})
    with pytest.raises(TypeError):
        Settings(*arguments)


@pytest.mark.parametrize(("name", "alias"), [("checkpoints", "db"), ("items", "store_db")])
def test_a_database_under_two_names_is_a_type_error(name: str, alias: str) -> None:
    with pytest.raises(TypeError, match="the same setting"):
        Settings(**{name: "memory://", alias: "memory://"})


def test_an_unknown_setting_is_refused() -> None:
    with pytest.raises(ValidationError):
        Settings({}, homee="typo")
