import contextlib
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from threadkeep.base.clock import local_day, local_minute, local_time_of, system_clock, use_clock
from threadkeep.base.errors import BadInput
from threadkeep.base.timestamps import parse_timestamp

DAY = datetime(2025, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        1735689600,
        1735689600.0,
        1735689600000,
        1735689600000000,
        1735689600000000000,
        "1735689600",
        "1735689600000",
        " 1735689600.000 ",
        "2025-01-01T00:00:00Z",
        "2025-01-01T00:00:00.000000000Z",
        "2025-01-01 00:00:00+00:00",
        "2025-01-01 00:00:00 UTC",
        "2025-01-01",
        "20250101",
        "2025",
        "Wed, 01 Jan 2025 00:00:00 GMT",
        "2025-01-01T08:00:00+08:00",
    ],
)
def test_a_time_is_read_in_every_unit_and_form(value: object) -> None:
    with use_clock(system_clock, ZoneInfo("UTC")):
        assert parse_timestamp(value).time == DAY


@pytest.mark.parametrize(
    ("value", "time"),
    [
        (-86_400, datetime(1969, 12, 31, tzinfo=UTC)),
        ("-86400", datetime(1969, 12, 31, tzinfo=UTC)),
        (1735689600.5, DAY + timedelta(milliseconds=500)),
        (1735689600250.0, DAY + timedelta(milliseconds=250)),
        (32_503_680_000, datetime(3000, 1, 1, tzinfo=UTC)),
        (0, datetime(1970, 1, 1, tzinfo=UTC)),
    ],
)
def test_fractions_negative_and_distant_numbers_are_read(value: object, time: datetime) -> None:
    assert parse_timestamp(value).time == time


@pytest.mark.parametrize(
    "value",
    [
        "last Tuesday",
        "",
        "2025-13-01",
        "1/2/2025",
        True,
        [],
        {},
        None,
        1e30,
        -1e30,
        "9" * 30,
        float("nan"),
        float("inf"),
    ],
)
def test_an_unreadable_time_is_refused_with_its_value(value: object) -> None:
    with pytest.raises(BadInput, match="cannot be read") as caught:
        parse_timestamp(value)
    assert repr(value)[:20] in str(caught.value)


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.booleans()))
def test_any_value_is_read_or_refused(value: object) -> None:
    with contextlib.suppress(BadInput):
        assert parse_timestamp(value).time.tzinfo is UTC


@given(
    st.datetimes(datetime(1974, 1, 1), datetime(2200, 1, 1)).map(lambda t: t.replace(tzinfo=UTC))
)
def test_a_moment_is_the_same_in_every_unit(moment: datetime) -> None:
    whole = moment.replace(microsecond=0)
    seconds = int(whole.timestamp())
    for factor in (1, 10**3, 10**6, 10**9):
        assert parse_timestamp(seconds * factor).time == whole
        assert parse_timestamp(str(seconds * factor)).time == whole
    assert parse_timestamp(moment.isoformat()).time == moment


def test_a_time_without_zone_is_of_the_users_zone() -> None:
    with use_clock(system_clock, ZoneInfo("America/Los_Angeles")):
        stamp = parse_timestamp("2025-01-01T00:00:00")
    assert stamp.time == datetime(2025, 1, 1, 8, tzinfo=UTC)
    assert stamp.utc_offset is None


def test_an_offset_is_read_and_z_names_no_place() -> None:
    assert parse_timestamp("2025-01-01T00:00:00+08:00").utc_offset == 480
    assert parse_timestamp("2025-01-01T00:00:00+00:00").utc_offset == 0
    assert parse_timestamp("2025-01-01T00:00:00Z").utc_offset is None


def test_times_are_shown_in_the_users_zone() -> None:
    with use_clock(system_clock, ZoneInfo("Asia/Tokyo")):
        assert local_minute("2026-03-03T22:30:00+00:00") == "2026-03-04 07:30"
        assert local_day("2026-03-03T22:30:00+00:00") == "2026-03-04"
        assert local_day("2026-03") == "2026-03"
        assert local_minute("no time at all") == "no time at all"
        message = {"time": "2026-03-03T22:30:00+00:00"}
        assert local_time_of(message).day == 4
        assert local_time_of(message | {"utc_offset": -480}).day == 3
