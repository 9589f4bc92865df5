"""Ends of tests whose subject would go on for ever."""


def cancel_timers(clock):
    """Cancel all calls that a clock still has to make."""
    for call in clock.getDelayedCalls():
        call.cancel()
