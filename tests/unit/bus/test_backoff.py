"""The delay before the next attempt to reach the router."""

import pytest

from ocsd.bus.backoff import retry_delay_s


def test_attempts_get_rarer_up_to_a_limit():
    delays = [round(retry_delay_s(n, 0.5), 2) for n in (1, 2, 3, 4, 9, 10, 5000)]
    assert delays == [0.02, 0.04, 0.08, 0.16, 5.0, 5.0, 5.0]
    assert retry_delay_s(50, 0.5, longest_s=0.5) == 0.5


def test_attempts_are_spread_by_a_fifth():
    delays = retry_delay_s(20, 0.0), retry_delay_s(20, 1.0)
    assert delays == pytest.approx((4.0, 6.0))
