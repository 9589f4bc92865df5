"""What is measured of the aggregators behind a crossbar."""

import dataclasses

import pytest

from benchmarks.end_to_end import CASES, Figures, recorded_values, table
from tests.unit.data.recorded import THERMO, block, data, every, session, status

OCS = Figures(
    published=1000,
    recorded=1000.0,
    samples=1,
    took_s=10.0,
    cpu_s=2.0,
    peak_bytes=600_000_000,
    router_cpu_s=1.0,
    publishers_cpu_s=0.5,
    load=1.0,
)
OCSD = dataclasses.replace(OCS, took_s=5.0, cpu_s=1.0, peak_bytes=100_000_000)


def test_only_values_in_files_count():
    lost = dataclasses.replace(OCS, recorded=500.0)
    assert (OCS.messages_per_s, lost.messages_per_s) == (100.0, 50.0)
    assert lost.values_per_s == 50.0 * 16
    assert lost.cpu_s_per_million == 2 * OCS.cpu_s_per_million


def test_the_best_of_each_counts():
    slow = dataclasses.replace(OCSD, took_s=50.0, cpu_s=9.0, peak_bytes=10**9)
    lines = table([(CASES[0], [OCS], [slow, OCSD])]).splitlines()
    assert lines[2].endswith("| messages/s | 100 | 200 | 2.00 |")
    assert lines[3].endswith("| values/s | 1,600 | 3,200 | 2.00 |")
    assert lines[4].endswith("| 125 s | 62.5 s | 1/2.00 |")
    assert lines[5].endswith("| 600 MB | 100 MB | 1/6.0 |")


def test_what_did_not_get_into_the_files_is_shown():
    lost = dataclasses.replace(OCSD, recorded=900.0)
    assert "| ocsd | 1.000 ms | 0.500 ms | 1.000 ms | 90 % | 1.0 |" in table(
        [(CASES[0], [OCS], [lost])]
    )


def test_values_are_counted_in_the_files_of_some_feeds(tmp_path):
    two = block(every(0.5, 10), a=[1.0] * 10, b=[1.0] * 10)
    frames = [session(), status(THERMO), data(blocks={"temps": two})]
    (tmp_path / "17953").mkdir()
    (tmp_path / "17953" / "1795328225.g3").write_bytes(b"".join(frames))
    assert recorded_values(tmp_path, "observatory.thermo") == 20
    assert recorded_values(tmp_path, "observatory.other") == 0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_lots_are_whole_rounds_of_all_feeds(case):
    assert case.plan.lot % case.plan.feeds == 0
