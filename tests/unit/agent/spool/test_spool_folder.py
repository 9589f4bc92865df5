"""Where the spool is, and what an agent says when it cannot keep messages there."""

import os
from pathlib import Path

from ocsd.agent.spool.limits import SpoolLimits
from ocsd.agent.spool.service import folder_of
from ocsd.site.launch import Launch
from ocsd.site.model import Hub, Instance
from ocsd.system.paths import SPOOL_VARIABLE
from tests.unit.agent.spool.spool_life import Life


def launch(**fields):
    hub = Hub(wamp_server="ws://localhost:8001/ws", wamp_http="http://localhost:8001/call")
    instance = Instance(instance_id="thermo1", agent_class="Thermo")
    return Launch(site_file=None, host="lab", hub=hub, instance=instance, working_dir="/", **fields)


def test_the_folder_is_in_the_hosts_state_folder(monkeypatch):
    monkeypatch.setenv("STATE_DIRECTORY", "/somewhere")
    assert folder_of(launch(), "thermo1") == Path("/somewhere/lab/spool/thermo1")
    assert folder_of(launch(), "a/b") == Path("/somewhere/lab/spool/a%2Fb")
    monkeypatch.setenv(SPOOL_VARIABLE, "7")
    assert folder_of(launch(), "thermo1") == Path("/proc/self/fd/7")
    assert folder_of(None, "thermo1") is None


def test_the_log_names_a_folder_known_by_a_descriptor(tmp_path):
    (tmp_path / "1.5").write_text("not a folder")
    descriptor = os.open(tmp_path, os.O_RDONLY)
    try:
        life = Life(Path(f"/proc/self/fd/{descriptor}"), "1.5")
        life.put("a", "x")
        assert f"cannot keep messages in {tmp_path}: " in life.log.lines[0]
    finally:
        os.close(descriptor)


def test_a_folder_that_cannot_be_written_is_logged_in_one_line(tmp_path):
    (tmp_path / "spool").write_text("not a folder")
    life = Life(tmp_path / "spool" / "thermo1", "1.5")
    for second in range(30):
        life.now_s += 1
        life.put("a", second)
        life.put("b", second)
    assert len(life.log.lines) == 1
    assert "Not a directory" in life.log.lines[0]
    assert life.read("a") == life.read("b") == list(range(30))
    (tmp_path / "spool").unlink()
    life.now_s += 10
    life.put("a", 30)
    assert len(life.log.lines) == 1
    life.put("b", 30)
    assert len(life.log.lines) == 2
    assert "again" in life.log.lines[1]
    assert Life(tmp_path / "spool" / "thermo1", "2.5").read("b", "1.5") == list(range(31))


def test_a_file_that_cannot_be_deleted_is_logged_once(folder):
    life = Life(folder, "1.5", SpoolLimits(max_age_s=100))
    path = folder / "1.5" / "a" / "00000000000000000000.spool"
    for second in range(3):
        life.put("a", second)
        if second == 0:
            path.unlink()
            path.mkdir()  # cannot be deleted as a file
        life.now_s += 101
    assert len(life.log.lines) == 1
    assert f"cannot delete old messages in {path}: " in life.log.lines[0]


def test_an_agent_that_was_started_by_hand_says_so_in_one_line():
    life = Life(None, "1.5")
    life.put("a", 1)
    life.put("b", 2)
    assert len(life.log.lines) == 1
    assert "not started by ocsd" in life.log.lines[0]
