"""Moments as a person types them."""

import re
from datetime import UTC, datetime, timedelta

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def moment(text: str, now: datetime) -> datetime:
    """`90s`, `30m`, `1h`, `7d`, `2w` before now, or an ISO 8601 time, in UTC unless it names its zone.

    Raises ValueError for anything else.
    """
    span = re.fullmatch(r"(\d{1,6})([smhdw])", text)
    if span:
        return now - timedelta(**{_UNITS[span[2]]: int(span[1])})
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)
