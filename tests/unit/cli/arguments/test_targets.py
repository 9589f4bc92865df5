"""Names, patterns and classes choose the same instances for every command that takes them."""

import json

import pytest

from ocsd.history.file import HistoryFile
from tests.unit.cli.answers import result
from tests.unit.cli.commands.conftest import happened
from tests.unit.cli.stand_in_daemon import instance

INSTANCES = {"thermo1": "Lakeshore", "thermo2": "Lakeshore", "pump": "Pump"}
COMMANDS = ("status", "up", "down", "restart", "why", "logs", "history", "loglevel")
CHOICES = {
    ("thermo1",): {"thermo1"},
    ("thermo*",): {"thermo1", "thermo2"},
    ("*1", "pump"): {"thermo1", "pump"},
    ("thermo?", "thermo2"): {"thermo1", "thermo2"},
    ("--class", "Lakeshore"): {"thermo1", "thermo2"},
    ("--class", "L*"): {"thermo1", "thermo2"},
    ("*2", "--class", "Lakeshore"): {"thermo2"},
}
REFUSED = {
    ("x*",): "no instance matches 'x*'; there are: ",
    ("--class", "Pmup"): "host 'lab' has no instance of class 'Pmup'; did you mean 'Pump'?",
    ("pump", "--class", "L*"): "none of pump is of class 'L*'; it has thermo1, thermo2",
}


@pytest.fixture
def server(ocsd, daemon_of):
    rows = []
    logs = ocsd.base / "log" / "lab"
    logs.mkdir(parents=True)
    folder = ocsd.base / "state" / "lab"
    folder.mkdir(parents=True)
    history = HistoryFile(folder / "journal.jsonl")
    for name, agent_class in INSTANCES.items():
        path = logs / f"{name}.log"
        path.write_text(f"2026-11-22T12:02:48.238Z INFO {name}: began\n")
        rows.append(instance(name, agent_class=agent_class, log_path=str(path)))
        history.write(happened(60, name, "BecameReady", "starting", "up"))
    server = daemon_of("lab", *rows)
    for verb in ("up", "down", "restart"):
        server.streams[f"/v1/instances/{verb}"] = [result(name) for name in INSTANCES]
    return server


@pytest.mark.parametrize("command", COMMANDS)
def test_a_choice_means_the_same_instances_everywhere(ocsd, server, command):
    for words, names in CHOICES.items():
        server.requests.clear()
        done = ocsd(command, *words)
        assert done.returncode == 0, done.stderr
        if server.requests:
            [(_, body)] = server.requests
            assert set(body["names"]) == names, words
        else:
            assert {name for name in INSTANCES if name in done.stdout} == names, words


@pytest.mark.parametrize("command", COMMANDS)
def test_a_choice_of_nothing_is_refused_everywhere(ocsd, server, command):
    for words, message in REFUSED.items():
        done = ocsd(command, *words)
        assert (done.returncode, done.stdout) == (4, ""), words
        assert done.stderr.startswith(f"ocsd: {message}")
    # Nothing but what other hosts have.
    assert all(body["request"] == "site" for _, body in server.requests)


def test_the_status_of_a_class_is_that_of_its_instances(ocsd, server):
    server.status["instances"][2] |= {"state": "failed", "reason": "no device"}
    assert ocsd("status", "--class", "Lakeshore", "--strict").returncode == 0
    failed = ocsd("status", "--class", "Pump", "--json")
    assert failed.returncode == 3
    assert [row["instance_id"] for row in json.loads(failed.stdout)["instances"]] == ["pump"]
