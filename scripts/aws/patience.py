"""Repeats requests that fail for a passing reason, such as a throttled API or a lost connection."""

from collections.abc import Callable
from typing import TypeVar

from scripts.aws.clock import SYSTEM_CLOCK, Clock
from scripts.aws.errors import is_transient, told
from scripts.errors import OperationError

Result = TypeVar("Result")
Say = Callable[[str], None]

_FIRST_RETRY = 1.0  # seconds, as are all below
_LONGEST_RETRY = 30.0
_PATIENCE = 600.0


class UnreachableError(OperationError):
    """AWS could not be asked for as long as is waited for that."""


class Patience:
    """For whoever waits for something that goes on in AWS; `say` hears of each request that is to be repeated."""

    def __init__(self, say: Say, clock: Clock = SYSTEM_CLOCK) -> None:
        self._say = say
        self._clock = clock

    def keep_trying(self, request: Callable[[], Result]) -> Result:
        """What a request that may be repeated gives, after growing delays where need be.

        Raises UnreachableError where AWS cannot be asked for ten minutes; what is not passing is passed through.
        """
        started, delay = self._clock.now(), _FIRST_RETRY
        while True:
            try:
                return request()
            except Exception as error:
                if not is_transient(error):
                    raise
                self._wait(error, delay, self._clock.now() - started)
                delay = min(delay * 2, _LONGEST_RETRY)

    def _wait(self, error: Exception, delay: float, lost_for: float) -> None:
        reason = told(error)
        if lost_for >= _PATIENCE:
            raise UnreachableError(
                f"AWS could not be asked for {_PATIENCE / 60:.0f} minutes",
                str(reason),
                reason.advice,
            ) from error
        self._say(f"{str(reason).rstrip('.')}. Trying again in {delay:.0f} s.")
        self._clock.sleep(delay)
