"""Moments as a person types them."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scripts.moments import moment

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("90s", timedelta(seconds=90)),
        ("30m", timedelta(minutes=30)),
        ("1h", timedelta(hours=1)),
        ("7d", timedelta(days=7)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_a_span_is_before_now(text: str, before: timedelta) -> None:
    assert moment(text, NOW) == NOW - before


def test_a_time_without_a_zone_is_in_utc() -> None:
    assert moment("2026-02-01", NOW) == datetime(2026, 2, 1, tzinfo=UTC)
    assert moment("2026-02-01T10:00:00+02:00", NOW) == datetime(2026, 2, 1, 8, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "h", "1y", "-1h", "yesterday", "1h30m"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is neither a span such as"):
        moment(text, NOW)


@pytest.mark.parametrize(
    "text", ["999999w", "2940w", "1969-12-31", "0001-01-01T00:00+10:00", "9999-12-31T23:59-10:00"]
)
def test_a_time_that_aws_does_not_know_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="lies outside of the years 1970 to 9999"):
        moment(text, NOW)


SPANS = st.from_regex(r"\d{1,6}[smhdw]", fullmatch=True)
TIMES = st.datetimes(timezones=st.timezones()).map(datetime.isoformat)


@given(SPANS | TIMES | st.text())
def test_any_text_is_a_moment_in_utc_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert moment(text, NOW).tzinfo is UTC
