"""Agents typed as OCS's guide shows them run, in each of the ways that the guide names."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.authors.test_agents import ask, data, port_of
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

TYPED = Path(__file__).with_name("guide_agents")

# The class, the file, the instance and what session.data has when it acquires.
AGENTS = {
    "set-up under __main__": ("FakeDataAgent", "fake_data_agent.py", "fake-data1", "fields"),
    "set-up in main()": ("GuideArduinoAgent", "arduino_agent.py", "arduino1", "amplitude"),
}
PAIRS = "agents = [\n    ({agent_class!r}, {file!r}),\n]\n"
CALLS = (
    "import os\nfrom ocs import site_config\n"
    "root = os.path.abspath(os.path.split(__file__)[0])\n"
    "for n, f in [({agent_class!r}, {file!r})]:\n"
    "    site_config.register_agent_class(n, os.path.join(root, f))\n"
)


@pytest.fixture(params=AGENTS)
def typed(request, site):
    """One agent's file in a folder of the site, and its entry in the site file."""
    agent_class, file, instance_id, key = AGENTS[request.param]
    folder = site.folder / "agents"
    (folder / "sub").mkdir(parents=True)
    shutil.copy(TYPED / file, folder / "sub" / file)
    arguments = [["--mode", "acq"], ["--port", "/dev/ttyACM0"]]
    if agent_class == "FakeDataAgent":
        arguments += [["--num-channels", "16"], ["--sample-rate", "20"]]
    entry = {"agent-class": agent_class, "instance-id": instance_id, "arguments": arguments}
    return agent_class, folder / "sub" / file, entry, key


def list_in(form, typed, site):
    agent_class, file, _, _ = typed
    text = form.format(agent_class=agent_class, file=f"sub/{file.name}")
    (site.folder / "agents" / "ocs_plugin_lab.py").write_text(text)
    return {"agent-paths": [str(site.folder / "agents")]}


def acquires(site, typed):
    """Wait until the agent has fresh data; check that it is the typed one and obeys."""
    _, _, entry, key = typed
    name = entry["instance-id"]
    first = wait_until(lambda: data(site, name, "acq").get(key) and data(site, name, "acq"), "data")
    wait_until(lambda: data(site, name, "acq")[key] != first[key], "fresh data")
    if key == "fields":
        assert len(first["fields"]) == 16
        assert ask(site, name, "start", "delay_task", {"delay": 0.05})[0] == 0
        assert ask(site, name, "wait", "delay_task", None, 10)[2]["success"] is True
    else:
        ask(site, name, "start", "init")
        session = ask(site, name, "wait", "init", None, 10)[2]
        assert session["success"] is False
        assert session["messages"][-2][1] == "Could not acquire lock."
    assert ask(site, name, "stop", "acq")[0] == 0
    code, _, session = ask(site, name, "wait", "acq", None, 10)
    assert (code, session["success"]) == (0, True)


@pytest.mark.parametrize("form", [PAIRS, CALLS], ids=["list of pairs", "register_agent_class"])
def test_it_runs_under_ocsd_start(site, typed, form):
    site.write(typed[2], **list_in(form, typed, site))
    site.bring_up()
    acquires(site, typed)
    log = site.ocsd("logs", typed[2]["instance-id"]).stdout
    assert "Traceback" not in log
    if typed[3] == "fields":
        assert "registering" in log  # what an agent prints


def test_it_runs_in_the_foreground(site, typed, ocsd_router):
    site.port = port_of(ocsd_router)
    site.write(typed[2], **list_in(PAIRS, typed, site))
    words = ["run", typed[2]["instance-id"], "--site-file", str(site.file), "--host", "lab"]
    with open(site.folder / "terminal", "wb") as terminal:
        process = subprocess.Popen(
            [sys.executable, "-m", "ocsd", *words],
            cwd=site.folder,
            env=site.environment,
            stdout=terminal,
            stderr=terminal,
        )
    try:
        acquires(site, typed)
    finally:
        process.send_signal(signal.SIGINT)
        code = process.wait(15)
    assert code == 0, (site.folder / "terminal").read_text()


def test_it_runs_by_hand(site, typed, ocsd_router):
    _, file, entry, _ = typed
    name = entry["instance-id"]
    site.port = port_of(ocsd_router)
    site.write(entry)
    (site.folder / "default.yaml").symlink_to(site.file)
    log = site.folder / "by-hand.log"
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [sys.executable, file.name, f"--instance-id={name}", "--site-host=lab"],
            cwd=file.parent,
            env={**os.environ, "OCS_CONFIG_DIR": str(site.folder)},
            stdout=out,
            stderr=out,
        )
    try:
        acquires(site, typed)
    finally:
        process.terminate()
        code = process.wait(15)
    assert code == 0, log.read_text()
    assert "Traceback" not in log.read_text()
