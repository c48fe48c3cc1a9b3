import pytest

from threadkeep.base.clock import now, parse_time, use_clock
from threadkeep.base.errors import BadInput
from threadkeep.base.settings import Settings


def test_the_environment_can_set_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THREADKEEP_NOW", "2026-03-04T09:30:00+01:00")
    assert Settings().clock().isoformat() == "2026-03-04T08:30:00+00:00"
    monkeypatch.setenv("THREADKEEP_NOW", "yesterday")
    with pytest.raises(BadInput, match="THREADKEEP_NOW 'yesterday'"):
        Settings()


def test_a_clock_holds_inside_its_block_alone() -> None:
    moment = parse_time("2026-03-04")
    assert moment.isoformat() == "2026-03-04T00:00:00+00:00"
    with use_clock(lambda: moment):
        assert now() == moment
    assert now() != moment
