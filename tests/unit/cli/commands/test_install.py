"""`ocsd install`, into images; tests/system/supervision/test_systemd.py installs for real."""

import os
import pwd
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from ocsd.cli.main import main
from ocsd.cli.systemd.unit_file import UnitFile
from ocsd.cli.systemd.unit_folder import UnitFolder, require_manager_of_user
from ocsd.cli.systemd.unit_job import is_restart
from ocsd.errors import NoSystemdError

REPOSITORY = Path(__file__).resolve().parents[4]
EXAMPLE = REPOSITORY / "site-configs/default.yaml"
UNITS = "etc/systemd/system"

needs_systemctl = pytest.mark.skipif(
    shutil.which("systemctl") is None, reason="systemd is not installed"
)


@pytest.fixture
def image(ocsd):
    """The root folder of another system, with its site file."""
    image = ocsd.base / "image"
    (image / "etc/ocsd").mkdir(parents=True)
    shutil.copy(EXAMPLE, image / "etc/ocsd/default.yaml")
    return image


@needs_systemctl
def test_install_writes_and_enables_a_unit_with_the_right_paths(ocsd, image):
    done = ocsd("install", "--root", str(image))
    assert (done.returncode, done.stderr) == (0, "")
    unit = image / UNITS / "ocsd.service"
    assert done.stdout.splitlines() == [
        f"write {unit}",
        f"systemctl --root {image} enable ocsd.service",
        "next: boot it",
    ]
    text = unit.read_text()
    start = next(line for line in text.splitlines() if line.startswith("ExecStart="))
    assert start.startswith(f"ExecStart={Path(sys.executable).parent}/")
    assert start.endswith(" start --site-file /etc/ocsd/default.yaml")
    assert "User=ocs\n" in text
    assert unit.stat().st_mode & 0o777 == 0o644
    assert (unit.parent / "multi-user.target.wants/ocsd.service").is_symlink()


@needs_systemctl
def test_hosts_share_a_template_that_goes_with_the_last_host(ocsd, image):
    site = image / "etc/ocsd/default.yaml"
    site.write_text(site.read_text() + "\n  dopey:\n    agent-instances: []\n")
    for host in ("grumpy", "dopey"):
        assert ocsd("install", "--root", str(image), "--host", host).returncode == 0
    units = image / UNITS
    assert {path.name for path in (units / "multi-user.target.wants").iterdir()} == {
        "ocsd@grumpy.service",
        "ocsd@dopey.service",
    }
    assert " start --host %i --site-file " in (units / "ocsd@.service").read_text()

    kept = ocsd("install", "--root", str(image), "--remove", "--host", "grumpy")
    assert kept.stdout.splitlines()[-1] == f"{units}/ocsd@.service stays, for ocsd@dopey.service"
    gone = ocsd("install", "--root", str(image), "--remove", "--host", "dopey")
    assert gone.stdout.splitlines()[-1] == f"delete {units}/ocsd@.service"
    assert [path for path in units.rglob("*") if not path.is_dir()] == []
    again = ocsd("install", "--root", str(image), "--remove", "--host", "dopey")
    assert (again.returncode, "nothing to remove" in again.stdout) == (0, True)


@needs_systemctl
def test_a_unit_that_was_changed_is_overwritten_only_by_force(ocsd, image):
    install = ("install", "--root", str(image))
    ocsd(*install)
    assert f"{UNITS}/ocsd.service is up to date" in ocsd(*install).stdout
    unit = image / UNITS / "ocsd.service"
    ours = unit.read_text()
    unit.write_text(ours.replace("LimitNOFILE=65536", "LimitNOFILE=9"))
    refused = ocsd(*install)
    assert refused.returncode == 1
    assert "-LimitNOFILE=9\n+LimitNOFILE=65536\n" in refused.stdout
    assert "add --force" in refused.stderr
    assert "LimitNOFILE=9\n" in unit.read_text()
    forced = ocsd(*install, "--force")
    assert (forced.returncode, "-LimitNOFILE=9\n" in forced.stdout) == (0, True)
    assert unit.read_text() == ours


def test_a_dry_run_shows_all_and_changes_nothing(ocsd, image):
    done = ocsd("install", "--root", str(image), "--user", "daq", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    assert "User=daq\n" in done.stdout
    assert f"systemctl --root {image} enable ocsd.service\n" in done.stdout
    assert not (image / "etc/systemd").exists()


def test_a_wrong_site_file_or_host_writes_nothing(ocsd, image):
    unknown = ocsd("install", "--root", str(image), "--host", "grumpi")
    assert unknown.returncode == 78
    assert "'grumpy'" in unknown.stderr
    (image / "etc/ocsd/default.yaml").write_text("hub: [")
    broken = ocsd("install", "--root", str(image))
    assert (broken.returncode, "default.yaml" in broken.stderr) == (78, True)
    assert not (image / "etc/systemd").exists()


def test_now_makes_no_sense_in_an_image(ocsd, image):
    assert ocsd("install", "--root", str(image), "--now").returncode == 2


@pytest.mark.skipif(os.path.isdir("/run/systemd/system"), reason="systemd runs this machine")
def test_a_machine_that_systemd_does_not_run_is_told_apart(ocsd):
    done = ocsd("install", "--host", "grumpy", "--site-file", str(EXAMPLE))
    assert done.returncode == 69
    assert "ocsd start" in done.stderr


@needs_systemctl
def test_a_refusal_of_systemctl_is_passed_on(ocsd, image):
    wants = image / UNITS / "multi-user.target.wants"
    wants.parent.mkdir(parents=True)
    wants.write_text("a file in the place of the folder")
    done = ocsd("install", "--root", str(image))
    assert done.returncode == 1
    assert "run this command again" in done.stderr


@pytest.mark.parametrize(
    ("path", "written"),
    [
        ("/etc/ocsd/default.yaml", "/etc/ocsd/default.yaml"),
        ("/data/site files/a.yaml", '"/data/site files/a.yaml"'),
        ("/data/100%/$x.yaml", "/data/100%%/$$x.yaml"),
        ('/data/"a".yaml', '"/data/\\"a\\".yaml"'),
    ],
)
def test_paths_are_written_as_systemd_reads_them(path, written):
    assert f" start --site-file {written}\n" in UnitFile(site_file=path).text


# A unit of a user.


@needs_systemctl
def test_a_unit_of_a_user_is_written_enabled_and_removed_in_the_home_folder(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("SYSTEMD_OFFLINE", "1")
    target = UnitFolder.of_user(dry_run=True)
    assert target.path("ocsd.service") == tmp_path / "systemd/user/ocsd.service"
    target = replace(target, dry_run=False)
    path = target.path("ocsd.service")
    target.write(path, UnitFile(of_user=True).text)
    target.systemctl("enable", "ocsd.service")
    assert (path.parent / "default.target.wants/ocsd.service").is_symlink()
    target.systemctl("disable", "ocsd.service")
    target.delete(path)
    assert [each for each in tmp_path.rglob("*") if not each.is_dir()] == []
    assert capsys.readouterr().out.splitlines() == [
        f"write {path}",
        "systemctl --user enable ocsd.service",
        "systemctl --user disable ocsd.service",
        f"delete {path}",
    ]


def test_a_dry_run_for_a_user_shows_all_and_says_how_to_linger(ocsd):
    words = ("--site-file", str(EXAMPLE), "--host", "grumpy", "--dry-run")
    done = ocsd("install", "--user-unit", *words, XDG_CONFIG_HOME=str(ocsd.base / "config"))
    assert (done.returncode, done.stderr) == (0, "")
    shown = done.stdout.splitlines()
    assert shown[:3] == [
        f"write {ocsd.base}/config/systemd/user/ocsd@.service",
        "systemctl --user daemon-reload",
        "systemctl --user enable ocsd@grumpy.service",
    ]
    assert "WantedBy=default.target" in shown
    # Needs root, or namespaces.
    assert not re.search(
        r"^(User|Supplem|Protect|Restrict|Capab|\w+Directory=ocsd)", done.stdout, re.M
    )
    user = pwd.getpwuid(os.getuid()).pw_name
    assert shown[-1].startswith(f"{user} does not linger: it would end when {user} logs out")
    assert shown[-1].endswith(f"loginctl enable-linger {user}")
    assert not (ocsd.base / "config").exists()


@pytest.mark.parametrize("words", [("--user", "ocs"), ("--root", "/tmp")])
def test_a_unit_of_a_user_has_no_other_user_and_no_image(ocsd, words):
    done = ocsd("install", "--user-unit", *words)
    assert done.returncode == 2
    assert "leave out --user and --root" in done.stderr


@pytest.mark.parametrize("runtime", [None, "nowhere", "empty"])
def test_a_login_without_a_service_manager_is_told_what_to_do(tmp_path, monkeypatch, runtime):
    (tmp_path / "empty").mkdir()
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    if runtime is not None:
        monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path / runtime))
    with pytest.raises(NoSystemdError, match="as after su or sudo; log in as this user"):
        require_manager_of_user()
    (tmp_path / "systemd").mkdir()
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    require_manager_of_user()


@pytest.mark.parametrize(("manager_pid", "scope"), [(None, ""), ("712", "--user ")])
def test_a_unit_asks_its_own_manager_whether_it_is_restarted(
    tmp_path, monkeypatch, manager_pid, scope
):
    systemctl = tmp_path / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$*" > {tmp_path}/asked\necho 30 x restart running\n')
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.delenv("MANAGERPID", raising=False)
    if manager_pid is not None:
        monkeypatch.setenv("MANAGERPID", manager_pid)
    assert is_restart("ocsd.service")
    asked = (tmp_path / "asked").read_text()
    assert asked == f"{scope}list-jobs --plain --no-legend ocsd.service\n"


# The page for operators.

PAGE = (REPOSITORY / "docs/run/systemd.md").read_text()


def test_every_ocsd_command_of_the_page_exists_with_its_options(capsys):
    blocks = re.findall(r"^    (.*)$", PAGE, re.MULTILINE)
    inline = re.findall(r"`([^`\n]+)`", PAGE)
    given = [line.partition("#")[0] for line in (*blocks, *inline)]
    given = [shlex.split(line) for line in given if re.match(r"(/opt/ocsd/bin/)?ocsd [a-z]", line)]
    assert len(given) > 10
    for _, verb, *words in given:
        assert main([verb, "--help"]) == 0, verb
        help_text = capsys.readouterr().out
        for option in (word for word in words if word.startswith("--")):
            assert option in help_text, (verb, option)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd is not installed")
def test_every_drop_in_of_the_page_is_understood_by_systemd(tmp_path):
    drop_ins = re.findall(r"```ini\n(.*?)```", PAGE, re.DOTALL)
    assert len(drop_ins) == 7
    unit = UnitFile(program=(sys.executable,))
    (tmp_path / unit.name).write_text(unit.text)
    folder = tmp_path / f"{unit.name}.d"
    folder.mkdir()
    for number, text in enumerate(drop_ins):
        (folder / f"{number}.conf").write_text(text)
    done = subprocess.run(
        ["systemd-analyze", "verify", tmp_path / unit.name],
        env={**os.environ, "SYSTEMD_UNIT_PATH": f"{tmp_path}:"},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
