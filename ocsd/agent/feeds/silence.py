"""The rule for an unusual silence of a feed, for all that estimate its usual interval."""

from typing import Final

USUAL_INTERVALS: Final = 5.0
"""A silence is unusual if it is longer than this many usual intervals of the feed.

The usual interval is estimated in three ways, because three things are known: the feed's
own publications and its bursts (`ocsd.agent.feeds.freshness`), arrivals over restarts of the
aggregator (`ocsd.aggregator.numbers.rhythm`), and the timestamps in files (`ocsd.data.gaps`).
"""
