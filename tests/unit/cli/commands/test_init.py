"""`ocsd init` writes a site file that is right as it is."""

import socket

import pytest


def test_the_file_that_it_writes_is_right_and_names_this_machine(ocsd):
    file = ocsd.base / "new" / "site.yaml"
    done = ocsd("init", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert f"next: ocsd check --site-file {file}" in done.stdout
    checked = ocsd("check", "--site-file", str(file))
    assert (checked.returncode, checked.stderr) == (0, "")
    machine = socket.gethostname()
    assert f"ok  host {machine.partition('.')[0]}: 3 instances, every class found" in checked.stdout
    assert f"this machine, '{machine}', is host" in checked.stdout


def test_its_arguments_are_taken_by_every_agent(ocsd):
    file = ocsd.base / "site.yaml"
    ocsd("init", str(file), "--host", "lab")
    checked = ocsd("check", "--site-file", str(file), "--host", "lab", "--deep")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "ok  host lab: no fault in the arguments of 3 agents" in checked.stdout


def test_an_existing_file_is_not_overwritten(ocsd):
    file = ocsd.base / "site.yaml"
    file.write_text("mine\n")
    done = ocsd("init", str(file))
    assert done.returncode == 78
    assert f"{file} is there already and is not overwritten" in done.stderr
    assert file.read_text() == "mine\n"


@pytest.mark.parametrize("host", ["a b", "a: b", "-a", "a/b"])
def test_a_name_that_a_file_cannot_hold_is_refused(ocsd, host):
    done = ocsd("init", str(ocsd.base / "site.yaml"), f"--host={host}")
    assert done.returncode == 2
    assert "pass --host" in done.stderr


def test_a_folder_that_cannot_be_made_is_told(ocsd):
    (ocsd.base / "file").write_text("")
    done = ocsd("init", str(ocsd.base / "file" / "site.yaml"))
    assert done.returncode == 78
    assert "cannot write" in done.stderr
