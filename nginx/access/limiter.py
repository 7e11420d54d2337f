"""How often an address may fail to log in."""

import ipaddress
from collections import OrderedDict

FAILURES, WINDOW_SECONDS = 10, 60
ADDRESSES = 10_000


class FailureLimiter:
    """Counts failures by client address, in a window that begins with the first of them.

    An attempt is counted when it begins and taken back when it succeeds, so that many at the same time gain nothing.
    """

    def __init__(self) -> None:
        self._windows: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def begin(self, address: str, now: float) -> int:
        """Counts an attempt; the seconds to wait where there were too many, which are then not counted, else 0."""
        key = _network(address)
        start, failures = self._windows.get(key, (now, 0))
        if now - start >= WINDOW_SECONDS:
            start, failures = now, 0
        if failures >= FAILURES:
            return max(1, round(start + WINDOW_SECONDS - now))
        self._windows[key] = (start, failures + 1)
        self._windows.move_to_end(key)
        if len(self._windows) > ADDRESSES:
            self._windows.popitem(last=False)
        return 0

    def succeeded(self, address: str) -> None:
        """Takes back an attempt."""
        key = _network(address)
        if key in self._windows:
            start, failures = self._windows[key]
            self._windows[key] = (start, max(0, failures - 1))


def _network(address: str) -> str:
    """The address, or its /64 with IPv6, of which one client commonly has all addresses."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return address
