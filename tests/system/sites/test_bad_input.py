"""Bad input gets one clear error, and everything else keeps running."""

import os
import re
import shutil
import socket
from pathlib import Path

import pytest

from ocsd.client.http import ControlClient
from tests.system.conftest import fake_agent
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system


def refused(site, code, host="lab"):
    """Start, expect an exit code and one message without a traceback; return the message."""
    begun = site.ocsd("start", "-d", "--site-file", str(site.file), "--host", host)
    assert begun.returncode == code, begun.stdout + begun.stderr
    assert "Traceback" not in begun.stderr
    assert begun.stderr.startswith("ocsd: ")
    assert site.processes() == []
    return begun.stderr


def test_an_unknown_host_is_refused_with_the_hosts_there_are(site):
    site.write(fake_agent("thermo1"))
    message = refused(site, 78, host="lap")
    assert "'lap'" in message
    assert "did you mean 'lab'" in message


def test_every_mistake_of_a_site_file_is_named_with_its_line(site):
    site.write(
        fake_agent("thermo1", argumets=[]),
        fake_agent("thermo2", manage="upp"),
        fake_agent("thermo2"),
    )
    message = refused(site, 78)
    lines = site.file.read_text().splitlines()
    wrong_key = next(n for n, line in enumerate(lines, 1) if "argumets" in line)
    wrong_word = next(n for n, line in enumerate(lines, 1) if "upp" in line)
    assert f"{site.file}:{wrong_key}" in message
    assert "did you mean 'arguments'" in message
    assert f"{site.file}:{wrong_word}" in message
    assert "thermo2" in message


def test_a_yaml_syntax_error_is_named_with_its_line(site):
    site.file.write_text("hub: {wamp_server: ws://localhost:1/ws\nhosts: ]\n")
    assert f"{site.file}:2" in refused(site, 78)


def test_a_port_in_use_by_something_that_is_no_router_is_refused(own_router, site):
    site.write(fake_agent("thermo1"))
    with socket.create_server(("127.0.0.1", site.port)) as stranger:
        stranger.listen()
        message = refused(site, 78)
    assert f"ws://localhost:{site.port}/ws" in message
    assert f"pid {os.getpid()}" in message


def test_a_second_daemon_is_refused_with_the_pid_of_the_first(site):
    site.write(fake_agent("thermo1"))
    site.start()
    second = site.ocsd("start", "-d", "--site-file", str(site.file), "--host", "lab")
    assert second.returncode == 1
    assert f"pid {site.status()['pid']}" in second.stderr
    assert site.instance("thermo1")["state"] == "up"


def test_a_crossbar_of_another_machine_is_replaced_by_that_of_ocsd(own_router, site):
    site.write(fake_agent("thermo1"), crossbar={"bin": str(site.folder / "crossbar")})
    begun = site.start()
    assert begun.returncode == 0
    assert f"bin {site.folder}/crossbar is not a program on this machine" in begun.stdout


def test_instances_that_cannot_run_fail_with_the_reason_and_the_others_run(site):
    (site.folder / "plugins").mkdir()
    (site.folder / "plugins" / "ocs_plugin_lab.py").write_text(
        "from ocsd import site_config\n"
        "site_config.register_agent_class('BrokenAgent', 'broken.py')\n"
        "site_config.register_agent_class('CrashingAgent', 'crashing.py')\n"
    )
    (site.folder / "plugins" / "broken.py").write_text("import no_such_driver\ndef main(): pass\n")
    (site.folder / "plugins" / "crashing.py").write_text(
        "def main():\n    raise OSError('no device at /dev/ttyUSB7')\n"
    )
    site.write(
        {"agent-class": "BrokenAgent", "instance-id": "broken"},
        {"agent-class": "CrashingAgent", "instance-id": "crashing"},
        {"agent-class": "FakeDatAgent", "instance-id": "misspelt"},
        {**fake_agent("refused"), "arguments": ["--mode", "acquire"]},
        fake_agent("thermo1"),
        **{"agent-paths": [str(site.folder / "plugins")]},
    )
    begun = site.start()
    assert begun.returncode == 3
    rows = {row["instance_id"]: row for row in site.status()["instances"]}
    assert rows["thermo1"]["state"] == "up"
    assert rows["broken"]["state"] == "failed"
    assert "No module named 'no_such_driver'" in rows["broken"]["reason"]
    assert rows["misspelt"]["state"] == "failed"
    assert "did you mean 'FakeDataAgent'" in rows["misspelt"]["reason"]
    assert rows["refused"]["state"] == "failed"
    assert "--mode" in rows["refused"]["reason"]
    usage = site.ocsd("status", "refused")
    assert "usage:" in usage.stdout
    assert usage.returncode == 3
    crashing = wait_until(
        lambda: (row := site.instance("crashing"))["state"] == "backoff" and row, "a backoff"
    )
    assert "OSError: no device at /dev/ttyUSB7" in crashing["reason"]
    assert crashing["next_try_s"] > 0


def test_a_plug_in_that_was_corrected_runs_after_a_restart(site):
    (site.folder / "plugins").mkdir()
    (site.folder / "plugins" / "ocs_plugin_lab.py").write_text("agents = [('Mine', 'mine.py')]\n")
    mine = site.folder / "plugins" / "mine.py"
    mine.write_text("import no_such_driver\n")
    site.write(
        {"agent-class": "Mine", "instance-id": "mine"},
        **{"agent-paths": [str(site.folder / "plugins")]},
    )
    site.start()
    assert site.instance("mine")["state"] == "failed"
    mine.write_text(
        "from ocsd import ocs_agent, site_config\n"
        "if __name__ == '__main__':\n"
        "    args = site_config.parse_args(agent_class='Mine')\n"
        "    agent, runner = ocs_agent.init_site_agent(args)\n"
        "    runner.run(agent)\n"
    )
    assert site.ocsd("restart", "mine").returncode == 0


@pytest.mark.skipif(os.geteuid() != 0, reason="makes a folder that not even its owner can write")
def test_a_data_folder_that_cannot_be_written_degrades_the_aggregator_only(site):
    target = site.folder / "data"
    target.write_text("a file where the folder should be")
    aggregator = {
        "agent-class": "AggregatorAgent",
        "instance-id": "aggregator",
        "arguments": ["--initial-state", "record", "--data-dir", str(target)],
    }
    site.write(aggregator, fake_agent("thermo1"))
    site.start()
    row = wait_until(
        lambda: (row := site.instance("aggregator"))["health"] == "degraded" and row,
        "the aggregator to say so",
    )
    assert str(target) in row["reason"]
    assert site.instance("thermo1")["health"] == "ok"


def test_a_folder_that_cannot_be_made_is_named(site):
    site.write(fake_agent("thermo1"))
    (site.folder / "state").write_text("in the way")
    message = refused(site, 78)
    assert str(site.folder / "state") in message
    (site.folder / "state").unlink()


def test_a_crash_of_crossbar_is_told_with_its_last_words(own_router, site):
    fake = site.folder / "crossbar"
    fake.write_text("#!/bin/sh\necho 'no such realm in this universe' >&2\nexit 1\n")
    fake.chmod(0o755)
    site.write(fake_agent("thermo1"), crossbar={"bin": str(fake)})
    daemon = site.foreground()
    line = next(line for line in daemon.stdout if "backoff" in line)
    assert "router" in line
    assert "no such realm in this universe" in line
    site.ocsd("stop")
    assert daemon.wait() == 0
    daemon.stdout.close()
    daemon.stderr.close()


# What each operation of the hostile agent is told, and what `ocsd status` shows of it.
WRONGS = {
    "raises": "operation 'raises' raised OSError: no device at /dev/ttyUSB7",
    "exits": "operation 'exits' raised SystemExit: 3",
    "exits_in_reactor": "operation 'exits_in_reactor' raised SystemExit: 3",
    "misshapes": "operation 'misshapes' returned str 'neither ok nor message'",
    "stores_inf": "operation 'stores_inf': session.data['fields']['temp'] holds inf",
    "stores_bytes": "operation 'stores_bytes': session.data['raw'] holds bytes b'\\xff'",
    "stores_itself": "operation 'stores_itself': session.data['me'] holds itself",
    "stores_much": "operation 'stores_much': session.data['image'] holds more than 4 MiB",
    "publishes_bad_name": "feed 'temps': field name '9a' is not valid",
    "publishes_bad_value": "feed 'temps': field 'a' holds NoneType None",
    "publishes_bad_time": "feed 'temps': timestamp float nan is not finite",
    "publishes_unregistered": "feed 'nonsense' is not registered; registered are",
    "loses_thread": "thread 'reader' of operation 'loses_thread' died: ZeroDivisionError",
}


@pytest.fixture
def hostile(site):
    """A client of an agent that does everything wrong, beside one that does not."""
    plugins = site.folder / "plugins"
    plugins.mkdir()
    shutil.copy(Path(__file__).with_name("hostile_agent.py"), plugins)
    (plugins / "ocs_plugin_lab.py").write_text("agents = [('HostileAgent', 'hostile_agent.py')]\n")
    site.write(
        {"agent-class": "HostileAgent", "instance-id": "hostile"},
        fake_agent("thermo1"),
        **{"agent-paths": [str(plugins)]},
    )
    assert site.start().returncode == 0
    return ControlClient("observatory.hostile", f"http://localhost:{site.port}/call")


def test_an_agent_that_does_everything_wrong_says_so_and_goes_on(site, hostile):
    pid = site.instance("hostile")["pid"]

    def acquired():
        return hostile.request("status", "acq")[2]["data"]["count"]

    def shown():
        row = site.instance("hostile")
        return row["reason"] if row["health"] == "degraded" else ""

    twice = hostile.request("start", "twice")
    assert twice[0] == -1
    assert 'Operation "twice" is registered twice' in twice[1]
    wait_until(lambda: "is registered twice" in shown(), "the status to show what is registered")

    for op, wrong in WRONGS.items():
        before = acquired()
        assert hostile.request("start", op)[0] == 0, op
        code, _, session = hostile.request("wait", op, timeout=10)
        assert (code, session["success"], session["op_code"]) == (0, False, 6), op
        texts = [text for _, text in session["messages"]]
        [message] = [text for text in texts if text.startswith(("CRASH: ", "ERROR: "))]
        assert wrong in message
        wait_until(lambda wrong=wrong: wrong in shown(), f"the status to show {op}")
        wait_until(lambda before=before: acquired() > before, "the acquisition to go on")

    assert hostile.get_api()["agent_class"] == "HostileAgent"
    registry = ControlClient("observatory.registry", hostile.call_url)
    known = registry.request("status", "main")[2]["data"]["observatory.hostile"]
    assert known["expired"] is False
    row = site.instance("hostile")
    assert (row["state"], row["restarts"], row["pid"]) == ("up", 0, pid)
    assert site.instance("thermo1")["health"] == "ok"


def test_who_blocks_the_reactor_is_shown_while_it_lasts_and_told_afterwards(site, hostile):
    assert hostile.request("start", "blocks")[0] == 0
    wait_until(
        lambda: "operation 'blocks' blocks the reactor at" in site.instance("hostile")["reason"],
        "the status to name the operation",
    )
    _, _, session = hostile.request("wait", "blocks", timeout=10)
    assert session["success"] is True
    [warning] = [text for _, text in session["messages"] if text.startswith("WARNING: ")]
    assert "hostile_agent.py:" in warning
    assert re.search(r"in blocks, for up to [3-9]\.\d s", warning)
    assert "register what takes time with blocking=True" in warning
    assert hostile.request("status", "acq")[2]["status"] == "running"
