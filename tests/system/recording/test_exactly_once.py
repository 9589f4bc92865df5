"""Every sample is recorded once; `python -m benchmarks.exactly_once` does it for longer."""

import tempfile
from pathlib import Path

import pytest

from benchmarks.exactly_once import run

# What is published goes on at its rate while a busy machine records ever less of it.
pytestmark = [pytest.mark.system, pytest.mark.in_pairs, pytest.mark.timeout(400)]


def test_every_sample_is_there_once_whatever_is_killed_stopped_full_or_cut():
    # The paths of Unix sockets must be short, which pytest's own folders are not.
    with tempfile.TemporaryDirectory(prefix="ocsd-") as folder:
        report = run(Path(folder), minutes=0.4, seed=7, with_agent_kills=True)
    assert report.violations == []
    assert report.verdict.published > 10_000
    for name in ("aggregator", "router", "daemon", "agent"):
        assert report.happened[f"killed: {name}"]
