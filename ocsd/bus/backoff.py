"""How long to wait before the next attempt to reach the router."""

FIRST_RETRY_DELAY_S = 0.02
LONGEST_RETRY_DELAY_S = 5.0
# A failed attempt on a local socket costs nothing, and agents of a host whose
# router comes back should be there with it.
LONGEST_LOCAL_RETRY_DELAY_S = 0.5


def retry_delay_s(failures: int, jitter: float, longest_s: float = LONGEST_RETRY_DELAY_S) -> float:
    """Return the time until the next attempt [s].

    Parameters
    ----------
    failures : int
        Attempts that have failed in a row, at least 1.
    jitter : float
        A random number from 0 to 1, which keeps agents from coming all at once:
        the delay varies by 20 % either way.
    longest_s : float
        Where the doubling ends [s].
    """
    doubled_s = FIRST_RETRY_DELAY_S * 2.0 ** min(failures - 1, 30)
    return min(doubled_s, longest_s) * (0.8 + 0.4 * jitter)
