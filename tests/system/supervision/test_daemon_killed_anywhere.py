"""The daemon is killed wherever it is; `python -m benchmarks.kill_daemon` does it more often."""

import pytest

from tests.system.daemon_killer import Killer

pytestmark = [pytest.mark.system, pytest.mark.timeout(300)]


def test_whenever_the_daemon_is_killed_nothing_is_doubled_left_or_forgotten(site):
    killer = Killer(site, agents=3, seed=4)
    try:
        report = killer.run(times=8)
    finally:
        left = killer.end()
    assert left == []
    assert report.violations == []
