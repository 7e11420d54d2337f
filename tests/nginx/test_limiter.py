from hypothesis import given
from hypothesis import strategies as st

from nginx.access.limiter import ADDRESSES, FAILURES, WINDOW_SECONDS, FailureLimiter


def failures(limiter: FailureLimiter, address: str, count: int, now: float = 0) -> int:
    for _ in range(count):
        assert limiter.begin(address, now) == 0
    return limiter.begin(address, now)


def test_an_address_that_failed_too_often_waits_to_the_end_of_the_window() -> None:
    limiter = FailureLimiter()
    assert failures(limiter, "10.0.0.1", FAILURES) == WINDOW_SECONDS
    assert limiter.begin("10.0.0.1", WINDOW_SECONDS - 1) == 1
    assert limiter.begin("10.0.0.1", WINDOW_SECONDS) == 0


def test_another_address_is_not_held_up() -> None:
    limiter = FailureLimiter()
    failures(limiter, "10.0.0.1", FAILURES)
    assert limiter.begin("10.0.0.2", 0) == 0


def test_addresses_of_one_ipv6_network_count_together() -> None:
    limiter = FailureLimiter()
    failures(limiter, "2001:db8::1", FAILURES)
    assert limiter.begin("2001:db8::2", 0) > 0
    assert limiter.begin("2001:db8:0:1::2", 0) == 0


def test_attempts_that_succeed_do_not_count() -> None:
    limiter = FailureLimiter()
    for _ in range(10 * FAILURES):
        assert limiter.begin("10.0.0.1", 0) == 0
        limiter.succeeded("10.0.0.1")


def test_the_number_of_addresses_remembered_is_bounded() -> None:
    limiter = FailureLimiter()
    for number in range(ADDRESSES + 5):
        limiter.begin(str(number), 0)
    assert len(limiter._windows) == ADDRESSES


@given(st.lists(st.tuples(st.sampled_from(["a", "b"]), st.floats(0, 30), st.booleans()), max_size=200))
def test_no_window_ever_holds_more_failures_than_allowed(attempts: list[tuple[str, float, bool]]) -> None:
    limiter = FailureLimiter()
    now = 0.0
    failed: list[tuple[str, float]] = []
    for address, pause, succeeds in attempts:
        now += pause
        if limiter.begin(address, now):
            continue
        if succeeds:
            limiter.succeeded(address)
        else:
            failed.append((address, now))
    for address, start in failed:
        # Two windows may touch: at most twice as many in any span of that length.
        within = [when for who, when in failed if who == address and start <= when < start + WINDOW_SECONDS]
        assert len(within) <= 2 * FAILURES
