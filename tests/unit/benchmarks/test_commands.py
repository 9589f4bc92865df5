"""The benchmark of commands measures a site that ocsd takes, and says what is too dear."""

import sys

from benchmarks.commands import AGENTS, Cost, cost, row, write_history, write_site
from benchmarks.site import HOST
from ocsd.history.file import read_history, read_since
from ocsd.site.load import load, pick_host


def test_the_site_has_52_instances_and_one_for_ocsbow(tmp_path):
    write_site(tmp_path / "site.yaml", 8001)
    entries = pick_host(load(tmp_path / "site.yaml"), HOST).instances
    managed = [entry for entry in entries if entry.agent_class != "HostManager"]
    assert len(managed) == AGENTS + 2


def test_the_history_reaches_back_beyond_the_usual_window(tmp_path):
    path = tmp_path / "state" / "journal.jsonl"
    write_history(path, 4000, now_at=30 * 86400.0)
    assert len(read_history(path)) == 4000
    assert len(read_since(path, 23 * 86400.0)) < 2500


def test_a_row_says_what_is_missed_and_what_failed():
    assert row("ocsd status", Cost(0.1, 0.2, 0), 0.12).endswith("100 ms | 200 ms | ≤ 120 ms kept |")
    assert "**missed**" in row("ocsd status", Cost(0.13, 0.2, 0), 0.12)
    assert "exit code 3" in row("ocsd status", Cost(0.1, 0.2, 3))


def test_the_cost_of_a_command_is_its_own_time():
    measured = cost([sys.executable, "-I", "-S", "-c", "import time; time.sleep(0.2)"], {}, 1)
    assert measured.exit_code == 0
    assert measured.cpu_s < measured.wall_s
    assert measured.wall_s > 0.2
