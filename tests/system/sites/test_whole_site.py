"""The whole site in every command: hosts seen and commanded from another one, and hosts away."""

import json
import os
import select
import signal
import subprocess
import sys
import time

import pytest
import yaml

from ocsd.client.http import ControlClient
from ocsd.status.site import control_uri
from tests.system.conftest import a_site, fake_agent
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system


@pytest.fixture(scope="module")
def site():
    """Two hosts on this machine with files of their own, and one in both that nobody has."""
    twin = fake_agent("twin", manage="down")
    with a_site(free_port()) as site:
        site.write(fake_agent("fake1"), host="lab-1", crossbar={})
        site.write(fake_agent("fake2"), twin, host="lab-2")
        site.write(host="lab.3")
        site.file.rename(own_file(site))
        site.write(fake_agent("fake1"), twin, host="lab-1", crossbar={})
        site.write(fake_agent("fake2"), host="lab-2")
        (site.folder / "default.yaml").symlink_to(site.file)
        site.bring_up("lab-1")
        bring_up_second(site)
        wait_until(lambda: answering(site) == {"lab-1", "lab-2"}, "the hosts to know each other")
        yield site


def own_file(site):
    """Return the site file of lab-2."""
    return site.folder / "lab-2.yaml"


def bring_up_second(site):
    begun = site.ocsd("start", "-d", "--site-file", str(own_file(site)), "--host", "lab-2")
    assert begun.returncode == 0, told(begun)
    site.daemons.append("lab-2")


def whole(site):
    """Return the hosts of `ocsd status --site --json`, by name."""
    rows = json.loads(site.ocsd("status", "--site", "--json").stdout)["hosts"]
    return {row["host"]: row for row in rows}


def answering(site):
    return {name for name, row in whole(site).items() if not row["trouble"]}


@pytest.fixture
def elsewhere(site):
    """Return the command line of a machine of the site on which no daemon runs."""
    folders = {
        name: str(site.folder / "other") for name in ("RUNTIME_DIRECTORY", "STATE_DIRECTORY")
    }
    environment = {**site.environment, **folders, "OCS_CONFIG_DIR": str(site.folder)}
    return lambda *words, **more: outside(environment, *words, **more)


def outside(environment, *words, **more):
    return subprocess.run(
        [sys.executable, "-m", "ocsd", *words],
        env={**environment, **more},
        capture_output=True,
        text=True,
        timeout=60,
    )


def told(done):
    return done.stdout + done.stderr


def test_status_shows_all_hosts_where_several_daemons_run(site):
    done = site.ocsd("status")
    assert done.returncode == 3
    assert "2 of 3 hosts answer" in done.stdout
    assert "lab-1: ok" in done.stdout
    assert "lab-2: ok" in done.stdout
    assert "lab.3: no answer" in done.stdout
    assert "no daemon of host 'lab.3' is connected" in done.stdout
    assert "lab-2 uses another version of the site file than lab-1" in done.stdout
    assert "ocsd start --host lab.3" in done.stdout
    assert site.ocsd("status", "--host", "lab-2").stdout.startswith("lab-2: ok")


def test_a_machine_without_a_daemon_sees_and_commands_the_site_over_the_router(elsewhere):
    seen = elsewhere("status")
    assert "2 of 3 hosts answer" in seen.stdout, told(seen)
    done = elsewhere("restart", "fake2")
    assert done.returncode == 0, told(done)
    assert "fake2: up" in done.stdout
    assert "through the site's router" in elsewhere("why", "fake2").stdout


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (("why", "lab-2:fake2"), "fake2: up"),
        (("status", "lab-2:fake2"), "FakeDataAgent"),
        (("status", "fake2"), "FakeDataAgent"),
        (("history", "lab-2:", "--since", "1h"), "fake2"),
        (("history", "--host", "lab-2", "-n", "1"), "fake2"),
        (("logs", "lab-2:fake*", "-n", "3"), "info"),
        (("logs", "lab-?:ocsd", "--grep", "joined realm"), "ocsd"),
        (("values", "lab-2:fake2", "--wait", "2"), "fake2.false_temperatures.channel_00"),
        (("reload", "lab-2:", "--dry-run"), "nothing to do"),
    ],
)
def test_a_command_that_looks_runs_where_its_host_is(site, words, expected):
    done = site.ocsd(*words)
    assert done.returncode == 0, told(done)
    assert expected in done.stdout


def test_changes_of_several_hosts_are_made_on_each_and_say_who_asked(site):
    down = site.ocsd("down", "fake1", "lab-2:fake2")
    assert down.returncode == 0, told(down)
    assert "fake1: down" in down.stdout
    assert "fake2: down" in down.stdout
    assert site.instance("fake1", "lab-1")["state"] == "down"
    up = site.ocsd("up", "lab-1:fake1", "fake2", "--json")
    results = [row for line in up.stdout.splitlines() if (row := json.loads(line)).get("ok")]
    assert {row["instance_id"] for row in results} == {"fake1", "fake2"}
    asked = site.ocsd("history", "lab-2:fake2", "-n", "2").stdout
    assert "from host lab-1" in asked
    assert "through the site's router" in asked
    audited = json.loads(site.ocsd("audit", "--host", "lab-2", "--json").stdout)["entries"][-1]
    assert (audited["action"], audited["target"]) == ("up", "fake2")
    assert audited["address"].startswith("host lab-1, uid ")


@pytest.mark.parametrize(
    ("words", "code", "text"),
    [
        (
            ("up", "twin"),
            4,
            "several hosts have 'twin'; say which is meant: lab-1:twin, lab-2:twin",
        ),
        (("up", "fake22"), 4, "did you mean 'fake2'?"),
        (("up", "lab-2:fake22"), 4, "did you mean 'fake2'?"),
        (("logs", "lb-2:fake2"), 4, "the site has no host 'lb-2'; did you mean 'lab-2'?"),
        (("down", "lab.3:thing"), 69, "host 'lab.3' does not answer: no daemon of host"),
        (("why", "lab-2:fake2", "--site-file", "/etc/passwd"), 78, "/etc/passwd"),
        (("data", "lab-2:", "verify", "--folder", "/etc"), 77, "takes no '--folder'"),
        (("up", "lab-2:"), 2, "needs the names of instances"),
    ],
)
def test_what_cannot_be_meant_is_refused_as_on_this_host(site, words, code, text):
    done = site.ocsd(*words)
    assert (done.returncode, text in done.stderr) == (code, True), told(done)


def test_a_log_is_followed_on_another_host(site):
    words = [sys.executable, "-m", "ocsd", "logs", "-f", "-n", "0", "lab-2:fake2"]
    with subprocess.Popen(
        words, env=site.environment, cwd=site.folder, stdout=subprocess.PIPE, text=True
    ) as follower:
        try:
            wait_until(lambda: runs_here(site, "logs"), "the command on lab-2")
            # It may not follow yet, and shows only what is written from then on.
            wait_until(lambda: logs_a_line(site, follower), "a line of the log")
            assert "delay_task" in follower.stdout.readline()
        finally:
            follower.kill()


def logs_a_line(site, follower):
    site.ocsd("call", "fake2", "delay_task", "delay=0.01", "--host", "lab-2")
    return select.select([follower.stdout], [], [], 2.0)[0]


def runs_here(site, command):
    return [each for each in site.processes() if [command, "-f"] == each.cmdline()[4:6]]


def test_a_host_that_hangs_blocks_nothing_and_is_shown_as_it_was(site):
    pid = site.status("lab-2")["pid"]
    os.kill(pid, signal.SIGSTOP)
    try:
        begun_s = time.monotonic()
        rows = whole(site)
        took_s = time.monotonic() - begun_s
        lab = rows["lab-2"]
        assert "has not answered within 2 s" in lab["trouble"] or "stopped" in lab["trouble"]
        assert took_s < 12  # two limits of 2 s, on a busy machine
        done = site.ocsd("restart", "lab-2:fake2")
        assert done.returncode == 69, told(done)
        assert "last answered" in done.stderr
        assert site.ocsd("restart", "fake1", "--host", "lab-1").returncode == 0
    finally:
        os.kill(pid, signal.SIGCONT)
    wait_until(lambda: answering(site) == {"lab-1", "lab-2"}, "the host to answer again")


def test_a_host_that_was_stopped_is_told_apart_from_one_that_died(site, elsewhere):
    assert site.ocsd("stop", "--host", "lab-2").returncode == 0
    wait_until(lambda: answering(site) == {"lab-1"}, "the end of the daemon")
    text = "host 'lab-2' was stopped at "
    step = "; ocsd start --host lab-2 on its machine starts it"
    line = next(each for each in elsewhere("status").stdout.splitlines() if text in each)
    assert " by root" in line
    assert step in line
    assert "then: 1 up, 1 down" in line
    refused = site.ocsd("restart", "lab-2:fake2")
    assert refused.returncode == 69, told(refused)
    assert text in refused.stderr
    assert step in refused.stderr
    bring_up_second(site)
    wait_until(lambda: answering(site) == {"lab-1", "lab-2"}, "the host to answer again")


def test_a_host_whose_daemon_died_is_listed_with_what_was_last_known(site, elsewhere):
    os.kill(site.status("lab-2")["pid"], signal.SIGKILL)
    wait_until(lambda: answering(site) == {"lab-1"}, "the end of the daemon")
    line = next(each for each in elsewhere("status").stdout.splitlines() if "lab-2" in each)
    assert "no answer" in line
    assert "was stopped" not in line
    assert "last answered" in line
    assert "then: 1 up, 1 down" in line
    bring_up_second(site)
    wait_until(lambda: answering(site) == {"lab-1", "lab-2"}, "the host to answer again")


def test_a_daemon_says_that_another_one_claims_its_host(site):
    router = ControlClient("", f"http://localhost:{site.port}/call")
    claim = {"request": "claim", "machine": "copy-of-lab", "pid": 77}
    holder = router.call(control_uri("observatory", "lab-2"), **claim)
    assert holder["pid"] == site.status("lab-2")["pid"]
    shown = site.ocsd("status", "--host", "lab-2").stdout
    assert (
        "another daemon says that it is host 'lab-2', too: pid 77 on machine copy-of-lab" in shown
    )


def ask(site, host, **body):
    return site.daemon("lab-1").ask(f"/v1/site/{host}", body, 45)


def test_a_site_file_is_taken_put_back_and_a_wrong_one_refused(site):
    before = ask(site, "lab-2", request="file")
    text = before["text"].replace("twin", "twin2")
    taken = ask(site, "lab-2", request="take_file", text=text, digest_before=before["digest"])
    assert taken["changed"]
    assert own_file(site).read_text() == text
    back = ask(site, "lab-2", request="put_back")
    assert back["digest"] == before["digest"]
    assert own_file(site).read_text() == before["text"]
    for wrong, why in (
        ({"text": "hub: 3"}, "nothing is changed there"),
        ({"text": text, "digest_before": "0"}, "was changed meanwhile"),
    ):
        with pytest.raises(Exception, match=why):
            ask(site, "lab-2", request="take_file", **wrong)
    assert own_file(site).read_text() == before["text"]


def test_a_daemon_is_upgraded_from_another_host(site):
    before = site.status("lab-2")
    done = site.ocsd("upgrade", "lab-2:")
    assert done.returncode == 0, told(done)
    assert "lab-2: ocsd" in done.stdout
    after = site.status("lab-2")
    assert after["pid"] == before["pid"]
    assert after["since_at"] > before["since_at"]


PEOPLE = {"vera": "viewer", "otto": "operator", "eva": "expert"}


@pytest.fixture(scope="module")
def closed():
    """A closed site of one host, with people who come over its router."""
    with a_site(free_port()) as site:
        site.write(fake_agent("faker1", mode="idle"))
        content = yaml.safe_load(site.file.read_text())
        content["hub"] = {"access": "closed", "wamp_server": f"wss://localhost:{site.port}/ws"}
        site.file.write_text(yaml.safe_dump(content))
        (site.folder / "default.yaml").symlink_to(site.file)
        own = ("--site-file", str(site.file), "--host", "lab")
        assert site.ocsd("access", "init", *own).returncode == 0
        for name, role in PEOPLE.items():
            secret = site.folder / name
            secret.write_text(f"password of {name}\n")
            secret.chmod(0o600)
            words = ("user", "add", name, "--role", role, "--password-file", str(secret))
            assert site.ocsd("access", *words).returncode == 0
        authority = site.ocsd("access", "ca", *own)
        site.bring_up()
        assert authority is not None
        yield site


@pytest.fixture
def person(closed):
    """Return the command line of somebody on a machine without a daemon."""
    [authority] = closed.folder.glob("state/lab/access/ca.pem")
    folders = {
        name: str(closed.folder / "other") for name in ("RUNTIME_DIRECTORY", "STATE_DIRECTORY")
    }

    def ocsd(name, *words):
        login = {"OCSD_USER": name, "OCSD_PASSWORD_FILE": str(closed.folder / name)}
        environment = {**closed.environment, **folders, "OCS_CONFIG_DIR": str(closed.folder)}
        return outside(environment, *words, OCSD_CA_FILE=str(authority), **login)

    return ocsd


def test_each_may_on_a_closed_site_what_the_role_says(closed, person):
    seen = person("vera", "status")
    assert "lab: ok" in seen.stdout, told(seen)
    assert person("vera", "history", "lab:").returncode == 0
    refused = person("vera", "restart", "faker1")
    assert refused.returncode == 77, told(refused)
    assert "needs the role operator" in refused.stderr
    done = person("otto", "restart", "faker1")
    assert done.returncode == 0, told(done)
    assert "faker1: up" in done.stdout
    refused = person("otto", "reload", "lab:")
    assert refused.returncode == 77
    assert "needs the role expert" in refused.stderr
    assert person("eva", "reload", "lab:", "--no-wait").returncode == 0
    entries = json.loads(closed.ocsd("audit", "--json").stdout)["entries"]
    changes = [each for each in entries if each["kind"] == "change"]
    asked = [(each["person"], each["role"], each["action"], each["outcome"]) for each in changes]
    assert ("vera", "viewer", "restart", "refused") in asked
    assert ("otto", "operator", "restart", "done") in asked
    assert ("eva", "expert", "reload", "done") in asked
    assert "otto" in closed.ocsd("history", "faker1").stdout


def test_a_site_file_is_applied_by_those_only_who_may_reload(closed, person):
    before = closed.file.read_text()
    content = yaml.safe_load(before)
    content["hosts"]["lab"]["agent-instances"].append(fake_agent("faker2", mode="idle"))
    new = closed.folder / "new.yaml"
    new.write_text(yaml.safe_dump(content))
    words = ("site", "apply", "--site-file", str(new), "--yes")
    refused = person("otto", *words)
    assert refused.returncode == 69, told(refused)
    needed = "lab left out: file needs the role expert on this closed site, and otto is operator"
    assert needed in refused.stdout, told(refused)
    assert closed.file.read_text() == before
    upgrade = person("eva", *words, "--upgrade")
    assert upgrade.returncode == 69, told(upgrade)
    assert "lab left out: upgrade needs the role admin" in upgrade.stdout, told(upgrade)
    assert closed.file.read_text() == before
    done = person("eva", *words)
    assert done.returncode == 0, told(done)
    assert done.stdout.splitlines()[-1] == "1 host: 1 done"
    assert closed.instance("faker2")["state"] == "up"
    audited = closed.ocsd("audit").stdout
    assert "take_file" in audited
    assert "eva" in audited


def test_nobody_takes_a_daemons_address_on_a_closed_site(closed):
    from ocsd.access.rules import Party, SiteRules, refusal

    rules = SiteRules("observatory", hub="lab")
    uri = control_uri("observatory", "lab")
    assert refusal(rules, Party("faker1", "agent"), "register", uri)
    assert refusal(rules, Party("lab", "host"), "register", uri) is None
