"""The parts of a site file in the form that programs for OCS read."""

import argparse
import os

import pytest
import yaml

from ocsd import site_config
from ocsd.errors import SiteFileError

pytestmark = pytest.mark.usefixtures("no_site_in_environment")

TEXT = """
hub:
  wamp_server: wss://mountain:8002/ws
  my_own_key: 7
hosts:
  dome:
    crossbar: {bin: /opt/crossbar, config-dir: /etc/crossbar}
    log-dir: logs
    extra: kept
    agent-instances:
      - {agent-class: PumpAgent, instance-id: pump1, arguments: [[--rate, 4], '--fast']}
      - {agent-class: PumpAgent, instance-id: pump2, manage: docker, colour: red}
      - {agent-class: FanAgent, instance-id: fan1, manage: no}
  container: {agent-instances: [{agent-class: PumpAgent, instance-id: pump2}]}
  empty:
"""


@pytest.fixture
def path(tmp_path):
    file = tmp_path / "peak.yaml"
    file.write_text(TEXT)
    return file


@pytest.fixture
def site(path):
    return site_config.SiteConfig.from_yaml(path)


def test_a_client_library_finds_the_instances_of_a_class(site, path):
    found = [
        (host.name, entry["instance-id"])
        for host in site.hosts.values()
        for entry in host.instances
        if entry["agent-class"] == "PumpAgent"
    ]
    assert found == [("dome", "pump1"), ("dome", "pump2"), ("container", "pump2")]
    assert site.source_file == str(path)
    assert site.hosts["empty"].instances == []


def test_nothing_of_the_file_is_lost_or_changed(site):
    content = yaml.safe_load(TEXT)
    assert site.hosts["dome"].data == content["hosts"]["dome"]
    assert site.hosts["dome"].instances is site.hosts["dome"].data["agent-instances"]
    assert type(site.hosts["dome"].instances[1]) is dict
    assert site.hosts["dome"].log_dir == "logs"
    assert (site.hosts["dome"].parent, site.hub.parent) == (site, site)


def test_the_hub_has_all_that_clients_ask_for(site):
    assert site.hub.data == {
        "wamp_server": "wss://mountain:8002/ws",
        "wamp_http": "https://mountain:8002/call",
        "wamp_realm": "test_realm",
        "address_root": "observatory",
        "my_own_key": 7,
    }
    client = site_config.get_control_client("pump1", site=site)
    assert (client.agent_addr, client.call_url) == (
        "observatory.pump1",
        "https://mountain:8002/call",
    )


def test_a_program_may_change_the_hub(site):
    site.hub.data["address_root"] = "lab"
    assert site_config.get_control_client("pump1", site=site).agent_addr == "lab.pump1"


def test_summaries_have_a_line_for_each_key(site):
    assert "  'my_own_key': 7," in site.hub.summary().splitlines()
    assert site_config.summarize_dict({"a": 1, "b": "x"}) == "{\n  'a': 1,\n  'b': 'x',\n}"
    assert site.hosts["dome"].crossbar.summary() == (
        "{\n  'bin': '/opt/crossbar',\n  'config-dir': '/etc/crossbar',\n}"
    )


def test_the_router_of_a_host_has_a_command_line(site, tmp_path):
    program = tmp_path / "crossbar"
    program.touch()
    made = site_config.CrossbarConfig.from_dict({"bin": str(program), "config-dir": "/c"})
    assert made.get_cmd("start") == [str(program), "start", "--cbdir", "/c"]
    assert site_config.CrossbarConfig.from_dict({"bin": str(program)}).cbdir_args == []
    assert site_config.CrossbarConfig.from_dict(None) is None
    assert site.hosts["container"].crossbar is None
    with pytest.raises(RuntimeError, match="/opt/crossbar"):
        site.hosts["dome"].crossbar.get_cmd("start")
    with pytest.raises(RuntimeError, match="PATH"):
        site_config.CrossbarConfig.from_dict({"bin": None}).get_cmd("stop")


@pytest.mark.parametrize(
    ("word", "manage"),
    [
        (None, "host/up"),
        ("yes", "host/up"),
        (True, "host/up"),
        ("down", "host/down"),
        ("docker", "docker/up"),
        ("docker/down", "docker/down"),
        (False, "ignore"),
        ("sometimes", "sometimes"),
    ],
)
def test_an_instance_has_the_full_word_for_how_it_is_managed(word, manage):
    data = {"instance-id": "fan1", "manage": word}
    instance = site_config.InstanceConfig.from_dict(data)
    assert (instance.manage, instance.arguments, instance.data) == (manage, [], data)
    assert (instance.instance_id, instance.agent_class) == ("fan1", None)


@pytest.mark.parametrize("content", [None, [], {}, {"hosts": {}}, {"hub": None}])
def test_a_site_without_a_hub_is_refused(content, tmp_path):
    (tmp_path / "no.yaml").write_text(yaml.safe_dump(content))
    with pytest.raises(SiteFileError, match="no mapping 'hub'"):
        site_config.SiteConfig.from_dict(content)
    with pytest.raises(SiteFileError, match=r"no\.yaml has no"):
        site_config.SiteConfig.from_yaml(tmp_path / "no.yaml")


def test_a_file_that_cannot_be_read_is_told_as_ocs_tells_it(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.yaml"):
        site_config.SiteConfig.from_yaml(tmp_path / "gone.yaml")
    (tmp_path / "bad.yaml").write_text("hub: {wamp_server: [}")
    with pytest.raises(yaml.YAMLError, match="line 1"):
        site_config.SiteConfig.from_yaml(tmp_path / "bad.yaml")


def test_the_checked_configuration_has_the_same_form(file):
    words = ["--site-file", str(file), "--site-host", "grumpy", "--working-dir", "/w"]
    args = site_config.parse_args("Thermometer", args=[*words, "--log-dir", "/l"], parser=lenient())
    site, host, instance = site_config.get_config(args, "Thermometer")
    assert type(site) is site_config.SiteConfig
    assert host is site.hosts["grumpy"]
    assert (host.working_dir, host.log_dir) == ("/w", "/l")
    assert instance.data is next(
        entry for entry in host.instances if entry["instance-id"] == "thermo1"
    )
    assert instance.data["agent-class"] == "Thermometer"
    assert instance.manage == "host/up"
    assert site.source_file == str(file)
    assert not {"line", "name", "path"} & (instance.data.keys() | host.data.keys())


def lenient():
    parser = argparse.ArgumentParser()
    for option in ("--mode", "--rate"):
        parser.add_argument(option)
    return parser


def test_without_a_site_there_are_no_parts():
    args = site_config.parse_args("*control*", args=["--site=none"])
    assert site_config.get_config(args, "*control*") == (None, None, None)


def test_the_attributes_of_a_site_fill_what_the_options_leave_open(site):
    args = site_config.add_arguments().parse_args(["--site-realm", "mine"])
    site_config.add_site_attributes(args, site, host=site.hosts["dome"])
    assert (args.site_hub, args.site_realm) == ("wss://mountain:8002/ws", "mine")
    assert (args.site_http, args.address_root) == ("https://mountain:8002/call", "observatory")
    assert (args.log_dir, args.crossbar_timeout) == ("logs", 10)
    assert (args.site_file, args.access_policy) == (site.source_file, None)


def test_the_words_of_a_command_line_are_kept_by_option():
    words = ["first", "--rate", "-4", "--mode=acq", "-v", "--rate", "5", "6", ""]
    container = site_config.ArgContainer(words)
    assert container.arg_dict == {
        "__positional__": ["first"],
        "--rate": ["5", "6", ""],
        "--mode=acq": [],
        "-v": [],
    }
    container.update(site_config.ArgContainer(["--rate", "7", "--new"]))
    assert container.to_list() == ["--rate", "7", "--mode=acq", "-v", "--new"]


def test_a_host_that_nobody_configures_works_here():
    assert site_config.HostConfig("x").working_dir == os.getcwd()
