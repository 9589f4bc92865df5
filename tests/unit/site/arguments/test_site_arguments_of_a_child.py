"""Options in a process that the daemon started: they come from the daemon, not from a file."""

import time

import pytest

from ocsd import site_config
from ocsd.errors import AgentArgumentsError
from ocsd.site.launch import Launch
from ocsd.site.load import load
from ocsd.site.values.told import set_current
from tests.unit.site.lab_agent import TEXT, a_parser

pytestmark = pytest.mark.usefixtures("no_site_in_environment")


@pytest.fixture
def launched(file):
    """Be a process that the daemon started for an instance of the file."""

    def start(instance_id):
        site = load(file)
        host = site.hosts["grumpy"]
        (instance,) = [each for each in host.instances if each.instance_id == instance_id]
        launch = Launch(
            site_file=site.path,
            host=host.name,
            hub=host.hub(site.hub),
            instance=instance,
            log_dir=host.log_dir,
            working_dir="/work",
            crossbar_timeout=host.crossbar_timeout,
        )
        set_current(launch.told())
        return launch

    yield start
    set_current(None)


def test_a_started_process_does_not_read_the_site_file(launched, file):
    launched("thermo1")
    file.unlink()

    args = site_config.parse_args("Thermometer", a_parser(), [])

    assert (args.instance_id, args.mode, args.rate) == ("thermo1", "acq", 4.0)
    assert (args.site_host, args.site_file) == ("grumpy", str(file))
    assert (args.site_realm, args.site_hub) == ("grumpy_realm", "ws://hub:8001/ws")
    assert (args.log_dir, args.working_dir, args.crossbar_timeout) == ("/var/log/lab", "/work", 7)
    assert site_config.get_config(args, "Thermometer").instance.instance_id == "thermo1"


def test_a_started_process_is_its_own_instance_whatever_the_environment_says(launched, monkeypatch):
    launched("fake1")
    monkeypatch.setenv("INSTANCE_ID", "other")
    monkeypatch.setenv("SITE_HUB", "ws://other:1/ws")

    args = site_config.parse_args("Fake", a_parser(), [])

    assert (args.instance_id, args.site_hub) == ("fake1", "ws://hub:8001/ws")


def test_a_started_process_reads_a_site_file_that_it_is_given(launched, tmp_path):
    launched("fake1")
    (tmp_path / "other.yaml").write_text(TEXT.replace("test_realm", "other_realm"))

    words = ["--site-file", str(tmp_path / "other.yaml"), "--site-host", "grumpy"]
    args = site_config.parse_args("Thermometer", a_parser(), words)

    assert args.instance_id == "thermo1"


def test_a_started_agent_can_be_a_client_of_others(launched):
    launched("fake1")

    args = site_config.parse_args("*control*", args=[])

    assert (args.site_http, args.site_realm) == ("http://hub:8001/call", "grumpy_realm")
    assert args.instance_id is None
    assert site_config.get_config(args, "*control*").instance is None


def test_a_started_agent_that_does_not_say_its_class_is_of_its_instances_class(launched):
    launched("fake1")

    assert site_config.parse_args(parser=a_parser(), args=[]).agent_class == "Fake"


def test_a_refusal_in_a_started_process_is_an_error_with_line_reason_and_usage(launched, file):
    file.write_text(TEXT.replace("[--mode, acq]}", "[--mode, aqc]}"))
    launched("fake1")

    with pytest.raises(AgentArgumentsError) as caught:
        site_config.parse_args("Fake", a_parser(), [])

    message = str(caught.value)
    assert message.startswith(
        f"Fake refuses the arguments of 'fake1' ({file}:14): argument --mode: invalid choice: 'aqc'"
    )
    assert message.endswith("usage: agent.py [-h] [--mode {idle,acq}] [--rate RATE] [--pv PV]")
    assert "\n" not in message


def test_an_option_that_the_agent_does_not_have_is_told_with_the_nearest(launched):
    launched("fake1")

    with pytest.raises(AgentArgumentsError, match="arguments: --rats 3; did you mean '--rate'"):
        site_config.parse_args("Fake", a_parser(), ["--rats", "3"])


def test_a_site_option_that_cannot_be_read_is_an_error_in_a_started_process(launched):
    launched("fake1")

    with pytest.raises(AgentArgumentsError, match="--instance-id: expected one argument"):
        site_config.parse_args("Fake", a_parser(), ["--instance-id"])


def test_a_started_process_has_the_site_options_that_nobody_gave(launched):
    launched("thermo1")

    without = site_config.parse_args("Thermometer", a_parser(), [])
    given = site_config.parse_args("Thermometer", site_config.add_arguments(a_parser()), [])

    assert vars(without) == vars(given)
    assert without.site is None


def test_an_agents_own_option_of_a_site_options_name_keeps_its_default(launched):
    launched("fake1")
    parser = a_parser()
    parser.add_argument("--log-dir", default="/var/own")

    assert site_config.parse_args("Fake", parser, []).log_dir == "/var/own"
    assert site_config.parse_args("Fake", parser, ["--log-dir", "/x"]).log_dir == "/x"


def test_a_version_is_printed_once(launched, capsys):
    launched("fake1")
    parser = a_parser()
    parser.add_argument("--version", action="version", version="fake 2")

    with pytest.raises(SystemExit):
        site_config.parse_args("Fake", parser, ["--version"])

    assert capsys.readouterr().out == "fake 2\n"


def test_a_started_process_parses_within_milliseconds(launched):
    launched("thermo1")
    start = time.process_time()

    for _ in range(10):
        site_config.parse_args("Thermometer", a_parser(), [])

    assert (time.process_time() - start) / 10 < 0.02


def test_a_refusal_of_a_subcommand_is_an_error_too(launched):
    launched("thermo1")
    parser = a_parser()
    parser.add_subparsers().add_parser("serial").add_argument("--port", required=True)

    with pytest.raises(AgentArgumentsError, match="the following arguments are required: --port"):
        site_config.parse_args("Thermometer", parser, ["serial"])


@pytest.mark.parametrize(
    ("word", "near"),
    [
        ("--address", "--ip-address"),
        ("--log", None),
        ("--working", None),
        ("--site-h", None),
        ("--instance", None),
        ("--crossbar", None),
        ("--registry", None),
        ("--access", None),
    ],
)
def test_options_of_the_framework_are_not_abbreviated_in_a_site_file(launched, word, near):
    launched("fake1")
    parser = a_parser()
    parser.add_argument("--ip-address")

    with pytest.raises(AgentArgumentsError, match=f"unrecognized arguments: {word} x") as caught:
        site_config.parse_args("Fake", parser, [word, "x"])
    if near:
        assert f"; did you mean '{near}'?" in str(caught.value)


def test_an_agents_own_options_may_be_abbreviated_beside_those_of_the_framework(launched):
    launched("fake1")
    parser = a_parser()
    parser.add_argument("--address-of-device")

    assert site_config.parse_args("Fake", parser, ["--addr", "x"]).address_of_device == "x"


def test_site_options_that_an_author_added_himself_are_not_abbreviated_either(launched):
    launched("fake1")
    parser = site_config.add_arguments(a_parser())

    with pytest.raises(AgentArgumentsError, match="unrecognized arguments: --log x"):
        site_config.parse_args("Fake", parser, ["--log", "x"])


def test_an_unknown_option_is_named_where_the_parser_misses_a_required_one(launched):
    launched("fake1")
    parser = a_parser()
    parser.add_argument("--port", required=True)

    with pytest.raises(AgentArgumentsError) as caught:
        site_config.parse_args("Fake", parser, ["--prot", "/dev/ttyUSB0"])
    assert (
        "the following arguments are required: --port; there is no option '--prot'; did you mean "
        "'--port'?"
    ) in str(caught.value)


def test_an_unknown_option_of_a_subcommand_is_named_too(launched):
    launched("fake1")
    parser = a_parser()
    inner = parser.add_subparsers().add_parser("serial")
    inner.add_argument("--port", required=True)
    inner.add_argument("--baud")

    with pytest.raises(AgentArgumentsError) as caught:
        site_config.parse_args("Fake", parser, ["serial", "--baud", "9600", "--prt", "x"])
    assert "required: --port; there is no option '--prt'; did you mean '--port'?" in str(
        caught.value
    )


def test_values_that_follow_an_option_are_no_unknown_options(launched):
    launched("fake1")
    parser = a_parser()
    parser.add_argument("--port", required=True)

    with pytest.raises(AgentArgumentsError, match="required: --port; usage:"):
        site_config.parse_args("Fake", parser, ["--rate", "-3", "--mod", "acq"])
