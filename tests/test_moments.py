"""Moments as a person types them."""

from datetime import UTC, datetime, timedelta

import pytest

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
    with pytest.raises(ValueError, match="isoformat"):
        moment(text, NOW)
