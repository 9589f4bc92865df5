"""OCS's programs as commands of ocsd: they print and do what the published ones do."""

import json
import os
import re
import subprocess
import sys

import pytest

from ocsd import compat

pytestmark = pytest.mark.interop

PROGRAMS = {
    "ocs-agent-cli": "from ocs.agent_cli import main as run",
    "ocs-client-cli": "from ocs.client_cli import main as run",
    "ocsbow": "from ocs.ocsbow import main as run",
    "ocs-local-support": "from ocs.ocsbow import main_local as run",
    "checkdata": "from ocs.checkdata import main as run",
}


def command(name, *words):
    """Return what an installed script of that name does."""
    code = f"import ocs, sys; assert ocs.__name__ == 'ocsd'; {PROGRAMS[name]}; sys.exit(run())"
    return [sys.executable, "-c", code, *words]


ENVIRONMENT = {**os.environ, "PYTHONPATH": compat.FOLDER, "PYTHONUNBUFFERED": "1"}


@pytest.fixture
def ours(site):
    def run(name, *words, site_options=True):
        options = site.ocs_arguments if site_options else []
        done = subprocess.run(
            command(name, *options, *words),
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run


def test_ocsbow_shows_the_site_as_the_published_one_does(ours, ocs):
    theirs = ocs.program("ocsbow", "status").splitlines()
    shown = ours("ocsbow").splitlines()
    note = shown.index("Important Notes:")
    assert shown[:note] == theirs[:note]
    assert ["hm-interop", "HostManager", "up", "n/a"] in [line.split() for line in shown]


def test_ocsbow_shows_the_configuration_as_the_published_one_does(ours, ocs):
    theirs = ocs.program("ocsbow", "config")
    assert without_paths(ours("ocsbow", "config")) == without_paths(theirs)


def without_paths(text):
    return re.sub(r"(ocs import led to:\n).*", r"\1", text)


def test_ocsbow_takes_an_agent_down_and_up(ours, site, until):
    def state():
        rows = {row["instance_id"]: row for row in site.status()["instances"]}
        return rows["fake-data2"]["state"]

    said = ours("ocsbow", "down", "fake-data2")
    assert said == "  down agent fake-data2 via hm-interop\n"
    until(lambda: state() == "down")
    assert re.search(r"fake-data2 +FakeDataAgent +down +down", ours("ocsbow"))
    ours("ocsbow", "up", "fake-data2")
    until(lambda: state() == "up", limit_s=60)


def test_local_support_shows_that_all_is_there(ours):
    said = ours("ocs-local-support", "status")
    assert (
        re.findall(r"(?:connection to server|agent running|process running)\?:? +(\w+)", said)
        == ["True"] * 3
    )


def test_a_scan_prints_what_the_published_one_prints(ours, ocs, until):
    words = ("scan", "--use-registry", "--details")

    def same():
        return sorted(ours("ocs-client-cli", *words).splitlines()) == sorted(
            ocs.client_cli(*words).splitlines()
        )

    until(same, limit_s=60)


def test_a_listener_prints_a_json_object_for_each_message(site):
    words = command("ocs-client-cli", *site.ocs_arguments, "listen", "observatory..feeds.heartbeat")
    with subprocess.Popen(
        [*words, "--json"], env=ENVIRONMENT, stdout=subprocess.PIPE, text=True
    ) as process:
        heard = json.loads(process.stdout.readline())
        process.kill()
    assert set(heard) == {"topic", "message"}
    assert heard["topic"].endswith(".feeds.heartbeat")


def test_an_agent_is_run_by_its_instance_id(ours, site, until):
    # The site leaves it to others: manage: ignore.
    words = command("ocs-agent-cli", *site.ocs_arguments, "--instance-id", "fake-data3")
    with (site.folder / "fake-data3-by-cli.log").open("wb") as log:
        process = subprocess.Popen(words, env=ENVIRONMENT, stdout=log, stderr=log)
    try:
        until(lambda: "fake-data3" in ours("ocs-client-cli", "scan", "--use-registry"), limit_s=60)
    finally:
        process.terminate()
        process.wait(20)


def test_checkdata_reads_what_was_recorded(ours, site, until):
    until(site.data_files, limit_s=60)

    def said():
        return ours("checkdata", str(site.folder / "data"), site_options=False)

    until(lambda: re.search(r"^fake-data1\n  false_temperatures: [\d.]+ s old$", said(), re.M), 60)


def test_without_configuration_the_site_that_runs_here_is_meant(site, tmp_path, until):
    """No site file, no option: a client speaks to the site of the daemon of this machine."""
    environment = ENVIRONMENT | {"RUNTIME_DIRECTORY": str(site.folder / "runtime")}
    environment.pop("OCS_CONFIG_DIR", None)

    def run(*words):
        done = subprocess.run(
            words, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    code = "from ocs.ocs_client import OCSClient; print(OCSClient('fake-data1').acq().status)"
    assert run(sys.executable, "-c", code).strip() == "0"
    scan = command("ocs-client-cli", "scan", "--use-registry")
    until(lambda: "  fake-data1" in run(*scan).splitlines())
