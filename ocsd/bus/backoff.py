"""The delay before the next attempt to reach the router."""

FIRST_RETRY_DELAY_S = 0.02
LONGEST_RETRY_DELAY_S = 5.0
LONGEST_LOCAL_RETRY_DELAY_S = 0.5
"""The limit for a socket on this machine, where a failed attempt costs little [s]."""
LONGEST_WAIT_FOR_SOCKET_S = 0.1
"""The limit while that socket is missing: a router is about to be there [s]."""


def retry_delay_s(failures: int, jitter: float, longest_s: float = LONGEST_RETRY_DELAY_S) -> float:
    """Return the time until the next attempt [s]: it doubles with each failure, up to `longest_s`.

    At least one attempt has failed. `jitter` is a random number from 0 to 1. It varies the
    delay by 20 % either way, because many agents should not come at once.
    """
    doubled_s = FIRST_RETRY_DELAY_S * 2.0 ** min(failures - 1, 30)
    return min(doubled_s, longest_s) * (0.8 + 0.4 * jitter)
