"""Every sample is recorded once; `python -m benchmarks.exactly_once` does it for longer."""

import tempfile
from pathlib import Path

import pytest

from benchmarks.exactly_once import run

pytestmark = [pytest.mark.system, pytest.mark.timeout(400)]


@pytest.mark.parametrize(("with_agent_kills", "seed"), [(False, 1), (True, 2)])
def test_every_sample_is_there_once_whatever_is_killed_stopped_full_or_cut(with_agent_kills, seed):
    # The paths of Unix sockets must be short, which pytest's own folders are not.
    with tempfile.TemporaryDirectory(prefix="ocsd-") as folder:
        report = run(Path(folder), 0.4, seed, with_agent_kills)
    assert report.violations == []
    assert report.verdict.recorded >= report.verdict.published > 10_000
    assert report.happened["killed: aggregator"]
