"""Time as the operations use it, so that a test can stand in for it."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

_SHORTEST_DELAY = 0.2
_LONGEST_DELAY = 5.0


@dataclass(frozen=True)
class Clock:
    """Where the time comes from, in seconds."""

    now: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep


SYSTEM_CLOCK = Clock()


def growing(longest: float, clock: Clock) -> Iterator[float]:
    """Delays between polls, from a fifth of a second up to five, until `longest` seconds have gone by."""
    deadline, delay = clock.now() + longest, _SHORTEST_DELAY
    while clock.now() < deadline:
        yield delay
        delay = min(delay * 1.5, _LONGEST_DELAY)
