"""Options of agents: which of command line, environment and site file wins."""

import os
import subprocess
import sys

import pytest

from ocsd import site_config
from ocsd.errors import ConfigurationError
from ocsd.site.arguments import merged
from tests.unit.site.lab_agent import TEXT, a_parser

pytestmark = pytest.mark.usefixtures("no_site_in_environment")


@pytest.fixture
def parse(file):
    def parse_words(words, agent_class="Thermometer"):
        words = ["--site-file", str(file), "--site-host", "grumpy", *words.split()]
        return site_config.parse_args(agent_class, a_parser(), words)

    return parse_words


def test_the_site_file_gives_what_the_command_line_does_not(parse, file):
    args = parse("")

    assert vars(args) == {
        "mode": "acq",
        "rate": 4.0,
        "pv": None,
        "site": None,
        "site_file": str(file),
        "site_host": "grumpy",
        "site_hub": "ws://hub:8001/ws",
        "site_http": "http://hub:8001/call",
        "site_realm": "grumpy_realm",
        "instance_id": "thermo1",
        "address_root": "observatory",
        "registry_address": None,
        "log_dir": "/var/log/lab",
        "working_dir": os.getcwd(),
        "crossbar_timeout": 7,
        "access_policy": "none",
        "agent_class": "Thermometer",
    }


def test_the_command_line_beats_the_site_file(parse):
    args = parse("--rate 9 --mode=idle --site-hub ws://x:1/ws --crossbar-timeout 0 --log-dir /x")

    assert (args.rate, args.mode, args.site_hub) == (9.0, "idle", "ws://x:1/ws")
    assert (args.crossbar_timeout, args.log_dir) == (0, "/x")


def test_the_environment_stands_between_command_line_and_site_file(parse, monkeypatch):
    monkeypatch.setenv("INSTANCE_ID", "fake1")
    monkeypatch.setenv("SITE_HUB", "ws://env:1/ws")
    monkeypatch.setenv("SITE_HTTP", "http://env:1/call")
    monkeypatch.setenv("CROSSBAR_TIMEOUT", "3")

    args = parse("--site-http http://line:1/call")

    assert (args.instance_id, args.mode, args.crossbar_timeout) == ("fake1", "acq", 3)
    assert (args.site_hub, args.site_http) == ("ws://env:1/ws", "http://line:1/call")


def test_the_environment_beats_an_instances_arguments(parse, file, monkeypatch):
    file.write_text(TEXT.replace("[--mode, acq]}", "[--crossbar-timeout, 5]}"))
    assert parse("--instance-id fake1").crossbar_timeout == 5
    monkeypatch.setenv("CROSSBAR_TIMEOUT", "3")
    assert parse("--instance-id fake1").crossbar_timeout == 3


def test_a_variable_that_cannot_be_read_is_refused(parse, monkeypatch, capsys):
    monkeypatch.setenv("CROSSBAR_TIMEOUT", "soon")

    with pytest.raises(SystemExit) as caught:
        parse("")

    assert caught.value.code == 2
    assert "--crossbar-timeout: invalid float value: 'soon'" in capsys.readouterr().err


def test_the_environment_names_the_host(file, monkeypatch):
    monkeypatch.setenv("SITE_HOST", "grumpy")

    args = site_config.parse_args("Thermometer", a_parser(), ["--site-file", str(file)])

    assert args.site_host == "grumpy"


def test_a_site_is_found_by_its_name(file, monkeypatch):
    monkeypatch.setenv("OCS_CONFIG_DIR", str(file.parent))

    args = site_config.parse_args(
        "Thermometer", a_parser(), ["--site=lab", "--site-host", "grumpy"]
    )

    assert args.site_file == str(file)
    assert site_config.get_config(args, "Thermometer").instance.instance_id == "thermo1"


def test_values_that_an_option_collects_are_replaced_not_extended(parse):
    assert parse("--instance-id fake2").pv == ["a", "b"]
    assert parse("--instance-id fake2 --pv c").pv == ["c"]


@pytest.mark.parametrize(
    ("first", "second", "result"),
    [
        ("--a 1 --b 2", "--a 3", "--b 2 --a 3"),
        ("--a=1 --b", "--a 3", "--b --a 3"),
        ("--a -1 -2 --b", "--a=3", "--b --a=3"),
        ("x --a 1", "--b", "x --a 1 --b"),
        ("- --a", "--b", "- --a --b"),
    ],
)
def test_options_of_the_command_line_replace_those_of_the_file(first, second, result):
    assert merged(first.split(), second.split()) == result.split()


@pytest.mark.parametrize(
    ("words", "agent_class", "said"),
    [
        ("", "Fake", "2 instances of Fake: fake1, fake2; pass --instance-id"),
        ("", "Thermometr", "no instance of Thermometr; did you mean 'Thermometer'?"),
        ("--instance-id thermo2", "Thermometer", "no instance 'thermo2'; did you mean 'thermo1'?"),
    ],
)
def test_by_hand_a_wrong_name_ends_the_agent_with_one_line(parse, capsys, words, agent_class, said):
    with pytest.raises(SystemExit) as caught:
        parse(words, agent_class)

    assert caught.value.code == 78
    error = capsys.readouterr().err
    assert error.startswith("agent.py: error: host 'grumpy' in ")
    assert said in error
    assert error.count("\n") == 1


def test_by_hand_an_agent_is_told_that_the_instance_has_another_class(parse, capsys):
    parse("--instance-id thermo1", "Fake")
    said = "agent.py: warning: instance 'thermo1' is a Thermometer, this is Fake\n"
    assert capsys.readouterr().err == said
    parse("--instance-id thermo1", "Thermometer")
    parse("--instance-id thermo1", None)
    assert capsys.readouterr().err == ""


def test_by_hand_the_parser_refuses_as_parsers_do(parse, capsys):
    with pytest.raises(SystemExit) as caught:
        parse("--mode aqc")

    assert caught.value.code == 2
    assert "invalid choice: 'aqc'" in capsys.readouterr().err


def test_by_hand_help_shows_the_agents_options_and_the_site_options(parse, capsys):
    with pytest.raises(SystemExit) as caught:
        parse("--help")

    assert caught.value.code == 0
    shown = capsys.readouterr().out
    assert all(option in shown for option in ("--mode", "--site-file", "--crossbar-timeout"))


def test_a_site_option_without_its_value_is_told_by_the_parser(file, capsys):
    with pytest.raises(SystemExit) as caught:
        site_config.parse_args("Fake", a_parser(), ["--site=none", "--instance-id"])

    assert caught.value.code == 2
    assert "argument --instance-id: expected one argument" in capsys.readouterr().err


def test_without_arguments_sys_argv_is_parsed(file, monkeypatch):
    words = ["agent.py", "--site-file", str(file), "--site-host", "grumpy"]
    monkeypatch.setattr(sys, "argv", words)

    assert site_config.parse_args("Thermometer", a_parser()).instance_id == "thermo1"


def test_get_config_returns_the_instance_of_parsed_arguments(parse):
    args = parse("--address-root lab")

    site, _, instance = site_config.get_config(args, "Thermometer")

    assert site.hub.data["address_root"] == "lab"
    assert instance.data["instance-id"] == "thermo1"


def test_get_config_raises_for_an_unknown_instance(parse):
    args = parse("")
    args.instance_id = "thermo2"

    with pytest.raises(ConfigurationError, match="no instance 'thermo2'"):
        site_config.get_config(args, "Thermometer")


@pytest.mark.parametrize("host", ["", "--site-host other "])
def test_an_instance_of_another_host_is_told_with_that_host(file, capsys, monkeypatch, host):
    # As in a container, whose name no site file has.
    monkeypatch.setattr("socket.gethostname", lambda: "3f1c9ab2")
    file.write_text(TEXT + "  other: {agent-instances: []}\n")
    words = f"--site-file {file} {host}--instance-id thermo1".split()
    with pytest.raises(SystemExit) as ending:
        site_config.parse_args("Thermometer", a_parser(), words)
    assert ending.value.code == ConfigurationError.exit_code
    said = capsys.readouterr().err
    assert ("no host '3f1c9ab2' (this machine)" in said) == (not host)
    assert said.endswith(
        "; host 'grumpy' has an instance 'thermo1': pass --site-host grumpy, or set SITE_HOST\n"
    )


def test_site_none_works_without_a_site_file(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    args = site_config.parse_args("Fake", a_parser(), ["--site=none", "--instance-id", "fake9"])

    assert (args.instance_id, args.site_file, args.site_realm) == ("fake9", None, "test_realm")
    assert (args.site_hub, args.address_root) == ("ws://localhost:8001/ws", "observatory")
    assert args.crossbar_timeout == 0


def test_site_none_takes_an_agents_name_from_the_environment_or_asks_for_it(monkeypatch, capsys):
    with pytest.raises(SystemExit):
        site_config.parse_args("Fake", a_parser(), ["--site=none"])
    assert "--site=none needs --instance-id" in capsys.readouterr().err

    monkeypatch.setenv("INSTANCE_ID", "fake9")
    assert site_config.parse_args("Fake", a_parser(), ["--site=none"]).instance_id == "fake9"


def test_adding_the_site_options_twice_does_no_harm(file):
    parser = site_config.add_arguments(site_config.add_arguments())

    words = ["--site-file", str(file), "--site-host", "grumpy", "--instance-id", "x"]
    assert parser.parse_args(words).instance_id == "x"


def test_importing_the_face_is_light():
    code = (
        "import sys, threading, ocsd.site_config\n"
        "heavy = {'twisted', 'numpy', 'autobahn'} & set(sys.modules)\n"
        "sys.exit(f'{heavy} {threading.active_count()}' if heavy or threading.active_count() > 1"
        " else 0)"
    )

    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize("word", ["--address", "--log", "--working", "--access"])
def test_by_hand_options_of_the_framework_are_not_abbreviated(parse, capsys, word):
    with pytest.raises(SystemExit):
        parse(f"--instance-id fake1 {word} x")
    assert f"unrecognized arguments: {word} x" in capsys.readouterr().err
