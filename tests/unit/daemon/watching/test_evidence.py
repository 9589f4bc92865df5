"""A failed instance is retried at once when the cause of its failure is over."""

import os

import pytest

from ocsd.daemon.watching.evidence import Evidence


@pytest.fixture
def code(tmp_path):
    file = tmp_path / "agent.py"
    file.write_text("broken\n")
    (tmp_path / "drivers.py").write_text("")
    return file


def later(file):
    """Save a file again, a moment later."""
    status = file.stat()
    os.utime(file, ns=(status.st_atime_ns, status.st_mtime_ns + 1))


def test_nothing_has_changed_at_first(code):
    evidence = Evidence((), str(code), None)
    assert [evidence.check(), evidence.check()] == ["", ""]


@pytest.mark.parametrize("name", ["agent.py", "drivers.py"])
def test_a_saved_file_of_the_agent_is_evidence(code, name):
    evidence = Evidence((), str(code), None)
    later(code.parent / name)
    assert evidence.check() == f"{code.parent / name} changed"


def test_a_new_file_beside_it_is_evidence_and_a_removed_one_is_not(code):
    evidence = Evidence((), str(code), None)
    (code.parent / "drivers.py").unlink()
    assert evidence.check() == ""
    (code.parent / "protocol.py").write_text("")
    assert evidence.check() == f"{code.parent / 'protocol.py'} changed"


def test_an_agent_whose_file_is_not_known_waits_for_its_conditions_only():
    assert Evidence((), "", None).check() == ""


def test_a_device_file_that_comes_back_is_evidence(tmp_path):
    device = tmp_path / "ttyUSB0"
    evidence = Evidence((f"file://{device}",), "", None)
    assert evidence.check() == ""
    device.write_text("")
    assert evidence.check() == f"file://{device} holds now"


def test_a_device_file_that_was_there_all_the_time_is_no_evidence(tmp_path):
    device = tmp_path / "ttyUSB0"
    device.write_text("")
    evidence = Evidence((f"file://{device}",), "", None)
    assert [evidence.check() for _ in range(3)] == ["", "", ""]
    device.unlink()
    assert evidence.check() == ""
    device.write_text("")
    assert evidence.check() == f"file://{device} holds now"
