"""`ocsd init` writes a site file that is right as it is."""

import shlex
import socket
import subprocess
import sys

import pytest
import yaml


def test_the_file_that_it_writes_is_right_and_names_this_machine(ocsd):
    file = ocsd.base / "new" / "site.yaml"
    done = ocsd("init", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    machine = socket.gethostname()
    host = machine.partition(".")[0]
    assert done.stdout.splitlines() == [
        f"wrote {file}: host {host} with a router, a recorder and two fake thermometers; next:",
        f"  ocsd check --site-file {file}",
        f"  ocsd start -d --site-file {file}",
        "  ocsd status",
    ]
    checked = ocsd("check", "--site-file", str(file))
    assert (checked.returncode, checked.stderr) == (0, "")
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


def test_a_folder_that_cannot_be_made_or_written_is_told(ocsd, as_stranger):
    (ocsd.base / "file").write_text("")
    done = ocsd("init", str(ocsd.base / "file" / "site.yaml"))
    assert done.returncode == 78
    assert "cannot write" in done.stderr
    locked = ocsd.base / "locked"
    locked.mkdir()
    done = as_stranger(locked, "init", str(locked / "site.yaml"))
    assert done.returncode == 78
    assert "site.yaml: Permission denied; name a file that you may write" in done.stderr


def test_a_folder_in_the_place_of_the_file_is_told(ocsd):
    (ocsd.base / "site-configs").mkdir()
    done = ocsd("init", "site-configs/")
    assert (done.returncode, done.stderr) == (
        78,
        "ocsd: site-configs is a folder; name a file, e.g. site-configs/default.yaml\n",
    )


def test_the_default_needs_no_option_unless_another_file_comes_first(ocsd):
    elsewhere = ocsd.base / "ocs"
    elsewhere.mkdir()
    assert "  ocsd check\n  ocsd start -d\n" in ocsd("init").stdout
    (elsewhere / "default.yaml").write_text("hub:\n")
    (ocsd.base / "site-configs/default.yaml").unlink()
    done = ocsd("init", OCS_CONFIG_DIR=str(elsewhere))
    assert "  ocsd check --site-file site-configs/default.yaml\n" in done.stdout
    done = ocsd("init", str(elsewhere / "new.yaml"), OCS_CONFIG_DIR=str(elsewhere))
    assert f"  ocsd check --site-file {elsewhere}/new.yaml\n" in done.stdout


def test_the_commands_can_be_pasted_whatever_the_file_is_called(ocsd):
    done = ocsd("init", "my site.yaml", "--host", "Lab.Example.ORG")
    check, start, _ = done.stdout.splitlines()[1:]
    assert check == "  ocsd check --site-file 'my site.yaml'"
    assert start == "  ocsd start -d --host Lab.Example.ORG --site-file 'my site.yaml'"
    assert ocsd(*shlex.split(check)[1:], "--host", "Lab.Example.ORG").returncode == 0


def test_the_file_can_be_printed(ocsd):
    done = ocsd("init", "-", "--host", "lab")
    ocsd("init", "site.yaml", "--host", "lab")
    assert done.stdout == (ocsd.base / "site.yaml").read_text()
    assert not (ocsd.base / "-").exists()


@pytest.mark.parametrize("host", ["8", "1.5", "no", "null", "2026-11-29", "0x1f", "a" * 60, "LAB"])
def test_any_reader_of_yaml_gets_the_name_of_the_host_as_a_text(ocsd, host):
    told = ocsd("init", "-", "--host", host).stdout
    assert list(yaml.safe_load(told)["hosts"]) == [host]
    top = told.partition("# agent-paths")[0].splitlines()[3:]
    comments = {line.index(" # ") for line in top if " # " in line}
    assert len(comments) == 1 or len(host) > 39


def test_a_machine_without_a_site_file_is_led_here(ocsd):
    done = ocsd("check")
    assert done.returncode == 78
    assert "`ocsd init` writes a new one; looked for\n" in done.stderr


def test_a_machine_without_crossbar_is_told_by_check(ocsd):
    """A copy of the interpreter has no crossbar beside it."""
    python = ocsd.base / "bin" / "python"
    python.parent.mkdir()
    python.symlink_to(sys.executable)
    ocsd("init", "site.yaml")
    done = subprocess.run(
        [python, "-m", "ocsd", "check", "--site-file", "site.yaml"],
        cwd=ocsd.base,
        env=ocsd.environment
        | {"PATH": "/usr/bin:/bin", "PYTHONPATH": ":".join(filter(None, sys.path))},
        capture_output=True,
        text=True,
    )
    assert (
        f"ocsd: warning: {ocsd.base}/site.yaml:12: this host runs the site's router, but crossbar "
        f"is not installed; run: {python} -m pip install" in done.stderr
    )
