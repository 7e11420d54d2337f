"""Moments as a person types them."""

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
# AWS counts time from here on, and knows none before.
_EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)


def moment(text: str, now: datetime) -> datetime:
    """`90s`, `30m`, `1h`, `7d`, `2w` before now, or an ISO 8601 time, in UTC unless it names its zone; UTC in any case.

    Raises ValueError for anything else, and for a time before the year 1970, with a sentence that says so.
    """
    try:
        found = _moment(text, now)
    except ValueError:
        raise ValueError(f"{text!r} is neither a span such as 30m, 1h or 7d, nor a time.") from None
    except OverflowError:
        found = None
    if found is None or found < _EARLIEST:
        raise ValueError(f"{text!r} lies outside of the years 1970 to 9999.")
    return found


def _moment(text: str, now: datetime) -> datetime:
    span = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    if span:
        return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
    time = datetime.fromisoformat(text)
    return time.astimezone(UTC) if time.tzinfo else time.replace(tzinfo=UTC)
