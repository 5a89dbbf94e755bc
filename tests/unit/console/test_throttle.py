"""Guessing keys gets slower with every guess; mistyping costs nothing."""

from datetime import UTC, datetime, timedelta

from andon.console.throttle import FREE, Throttle

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
NOTHING = timedelta()


def failed(throttle: Throttle, times: int, address: str = "192.0.2.1") -> timedelta:
    for _ in range(times):
        throttle.failed(address, NOW)
    return throttle.wait(address, NOW)


def test_the_first_failures_are_free_and_then_each_doubles_the_wait() -> None:
    throttle = Throttle()
    assert failed(throttle, FREE - 1) == NOTHING
    waits = [failed(throttle, 1).total_seconds() for _ in range(10)]
    assert waits == [2, 4, 8, 16, 32, 64, 128, 256, 300, 300]


def test_waiting_helps_and_a_success_clears_everything() -> None:
    throttle = Throttle()
    failed(throttle, FREE)
    assert throttle.wait("192.0.2.1", NOW + timedelta(seconds=2)) == NOTHING
    throttle.succeeded("192.0.2.1")
    assert failed(throttle, 1) == NOTHING


def test_a_failure_after_a_long_time_is_the_first_again() -> None:
    throttle = Throttle()
    failed(throttle, FREE + 5)
    throttle.failed("192.0.2.1", NOW + timedelta(minutes=16))
    assert throttle.wait("192.0.2.1", NOW + timedelta(minutes=16)) == NOTHING


def test_other_addresses_are_not_held_up_but_a_customers_whole_ipv6_network_is() -> None:
    throttle = Throttle()
    failed(throttle, FREE, "2001:db8:0:1::1")
    assert throttle.wait("192.0.2.1", NOW) == NOTHING
    assert throttle.wait("2001:db8:0:2::1", NOW) == NOTHING
    assert throttle.wait("2001:db8:0:1:ffff::2", NOW) > NOTHING


def test_what_is_remembered_is_bounded() -> None:
    throttle = Throttle()
    for number in range(10_050):
        throttle.failed(f"10.0.{number // 250}.{number % 250}", NOW)
    assert len(throttle._failures) == 10_000
    throttle.failed("192.0.2.1", NOW + timedelta(minutes=16))
    assert len(throttle._failures) == 1


def test_who_goes_on_guessing_is_remembered_though_many_others_come() -> None:
    throttle = Throttle()
    failed(throttle, FREE)
    for number in range(10_050):
        throttle.failed(f"10.0.{number // 250}.{number % 250}", NOW)
        if number % 5_000 == 0:
            throttle.failed("192.0.2.1", NOW)
    assert throttle.wait("192.0.2.1", NOW) > NOTHING
    assert len(throttle._failures) == 10_000
    assert "10.0.0.1" not in throttle._failures


def test_what_is_forgotten_is_what_failed_last_longest_ago() -> None:
    throttle = Throttle()
    failed(throttle, FREE + 5, "192.0.2.1")
    throttle.failed("192.0.2.2", NOW)
    throttle.failed("192.0.2.1", NOW + timedelta(minutes=10))
    throttle.failed("192.0.2.3", NOW + timedelta(minutes=16))
    assert list(throttle._failures) == ["192.0.2.1", "192.0.2.3"]
