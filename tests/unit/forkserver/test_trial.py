"""Agents parse their arguments, and nothing else, when they are tried."""

import json
import subprocess
import sys

import pytest

from ocsd.cli.arguments import trial
from ocsd.site.load import load

AGENT = """\
import argparse
{imports}

def main(args=None):
    {before}
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", required=True)
    args = {parse}
    agent, runner = {init}(args)
    open(args.port, "w").write("opened")
"""
AS_THE_GUIDE = {
    "imports": "from ocs import ocs_agent, site_config",
    "parse": "site_config.parse_args(agent_class='LabAgent', parser=parser, args=args)",
    "init": "ocs_agent.init_site_agent",
    "before": "print('hello')",
}
BY_NAME = {
    "imports": "from ocs.ocs_agent import init_site_agent\nfrom ocs.site_config import parse_args",
    "parse": "parse_args('LabAgent', parser, args)",
    "init": "init_site_agent",
    "before": "",
}


def site(folder, entries, forms=AS_THE_GUIDE, **changed):
    form = {**forms, **changed}
    (folder / "lab.py").write_text(AGENT.format(**{**form, "before": form["before"] or "pass"}))
    (folder / "ocs_plugin_lab.py").write_text("agents = [('LabAgent', 'lab.py')]\n")
    lines = "".join(f"      - {{agent-class: LabAgent, {entry}}}\n" for entry in entries)
    file = folder / "site.yaml"
    file.write_text(
        "hub: {wamp_server: 'ws://localhost:8001/ws'}\nhosts:\n  lab:\n    agent-paths: [.]\n"
        f"    agent-instances:\n{lines}"
    )
    return load(file)


def found(a_site, only=None):
    return list(trial.problems(a_site, a_site.hosts["lab"], only))


def test_arguments_are_parsed_and_the_agent_is_not_made(tmp_path):
    port = tmp_path / "port"
    entries = [
        f"instance-id: good, arguments: [--port, {port}]",
        "instance-id: none",
        "instance-id: typo, arguments: [--prot, x]",
        "instance-id: parked, manage: docker",
        "instance-id: old, runtime: ocs",
    ]
    (none, typo) = found(site(tmp_path, entries))
    file = tmp_path / "site.yaml"
    assert none[0] == typo[0] == "problem"
    assert none[1].startswith(f"LabAgent refuses the arguments of 'none' ({file}:7): the following")
    assert "required: --port; there is no option '--prot'; did you mean '--port'?" in typo[1]
    assert not port.exists()


def test_an_agent_that_imports_the_functions_by_name_is_not_made_either(tmp_path):
    port = tmp_path / "port"
    entries = [f"instance-id: a, arguments: [--port, {port}]"]
    assert found(site(tmp_path, entries, BY_NAME)) == []
    assert not port.exists()


def test_two_instances_of_one_port_are_told(tmp_path):
    entries = [f"instance-id: {name}, arguments: [--port, /dev/ttyS7]" for name in "ab"]
    assert found(site(tmp_path, entries)) == [
        ("warning", "host lab: 'a' and 'b' name /dev/ttyS7; only one of them can use it")
    ]


def test_what_an_agents_code_does_wrong_is_told_with_the_line_of_its_entry(tmp_path):
    place = f"{tmp_path / 'site.yaml'}:6: instance 'a': "
    entries = ["instance-id: a, arguments: [--port, x]"]
    broken = found(site(tmp_path, entries, imports="import no_such_library"))
    text = "cannot try its arguments: ModuleNotFoundError: No module named 'no_such_library'"
    assert broken == [("problem", place + text)]
    ended = found(site(tmp_path, entries, before="import os; os._exit(3)"))
    assert ended == [("problem", f"{place}it ended before it had parsed its arguments")]


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("from ocs import ocs_agent\n", "NoMain: {file} defines no main()"),
        ("def main(args=None):\n    pass\n", "NoRun: main() of {file} returned without"),
        ("if __name__ == '__main__':\n    pass\n", "NoRun: the code under __main__ of {file}"),
    ],
)
def test_code_that_makes_no_agent_is_told_as_at_the_start(tmp_path, code, problem):
    a_site = site(tmp_path, ["instance-id: a", "instance-id: job, restart: on-failure"])
    (tmp_path / "lab.py").write_text(code)
    [(_, told)] = found(a_site)
    assert f"instance 'a': {problem.format(file=tmp_path / 'lab.py')}" in told


def test_only_those_that_are_asked_for_are_told(tmp_path):
    entries = ["instance-id: a", "instance-id: b"]
    (one,) = found(site(tmp_path, entries), only=["b"])
    assert "'b'" in one[1]


def test_the_answer_has_the_values_of_the_agents_own_options(tmp_path):
    a_site = site(tmp_path, ["instance-id: a, arguments: [--port, x]"])
    (answer,) = trial._answers(a_site, a_site.hosts["lab"], list(a_site.hosts["lab"].instances))
    assert answer == {"instance_id": "a", "problem": "", "values": {"port": "x"}}


def test_without_a_launch_there_is_nothing_to_do():
    command = [sys.executable, "-m", "ocsd.forkserver.trial"]
    done = subprocess.run(command, input="", capture_output=True, text=True, check=True)
    assert [json.loads(line) for line in done.stdout.splitlines()] == []
