"""Reading site files: what is accepted."""

import pytest

from ocsd.site.model import Crossbar, Manage
from tests.unit.site.site_text import HUB, entries


def an_instance(loaded, entry):
    (instance,) = loaded(entries(entry)).hosts["grumpy"].instances
    return instance


def test_a_file_in_the_shape_of_ocs_is_read(loaded, tmp_path):
    site = loaded("""\
hub:
  wamp_server: ws://localhost:8001/ws
  wamp_http: http://localhost:8001/call
  wamp_realm: test_realm
  address_root: observatory
  registry_address: observatory.registry
  access_policy: director:access-dir
hosts:
  grumpy: {
      'crossbar': {'bin': '/opt/crossbar', 'config-dir': '/etc/crossbar'},
      'log-dir': 'logs/',
      'crossbar_timeout': 10,
      'agent-instances': [
          # Core OCS Agents
          {'agent-class': 'RegistryAgent',
           'instance-id': 'registry',
           'arguments': []},
          {'agent-class': 'FakeDataAgent',
           'instance-id': 'fake-data1',
           'manage': 'host/down',
           'arguments': [['--mode', 'acq'],
                         ['--num-channels', 16],
                         ['--sample-rate', 0.5]]},
      ]
  }
""")

    host = site.hosts["grumpy"]
    assert site.path == str(tmp_path / "lab.yaml")
    assert site.hub.access_policy == "director:access-dir"
    assert host.crossbar == Crossbar(bin="/opt/crossbar", config_dir="/etc/crossbar")
    assert (host.name, host.log_dir, host.crossbar_timeout) == ("grumpy", "logs/", 10)
    assert [(each.instance_id, each.manage, each.line) for each in host.instances] == [
        ("registry", Manage.UP, 15),
        ("fake-data1", Manage.DOWN, 18),
    ]
    assert host.instances[1].arguments == (
        *("--mode", "acq"),
        *("--num-channels", "16"),
        *("--sample-rate", "0.5"),
    )


@pytest.mark.parametrize(
    ("written", "arguments"),
    [
        ("[--a, 4, --b, 0.50, --c, 010, --d, 1e3]", "--a 4 --b 0.50 --c 010 --d 1e3"),
        ("[[--a, [1, [2]]], [], -3]", "--a 1 2 -3"),
        ("[--t, 12:30:00, 2026-11-22]", "--t 12:30:00 2026-11-22"),
        ("[--x, -.inf, .NaN]", "--x -inf nan"),
        ("['yes', \"null\", 'true']", "yes null true"),
        ("[]", ""),
        ("", ""),
    ],
)
def test_arguments_stay_as_people_wrote_them(loaded, written, arguments):
    instance = an_instance(loaded, f"{{agent-class: A, instance-id: a, arguments: {written}}}")

    assert instance.arguments == tuple(arguments.split())


@pytest.mark.parametrize(("word", "manage"), [("yes", "up"), ("no", "ignore"), ("", "up")])
def test_a_manage_word_that_yaml_takes_for_a_boolean_is_understood(loaded, word, manage):
    entry = f"{{agent-class: A, instance-id: a, manage: {word}}}"

    assert an_instance(loaded, entry).manage == manage


def test_a_crossbar_key_without_settings_makes_the_host_run_the_router(loaded):
    site = loaded(f"{HUB}hosts:\n  doc:\n    crossbar: {{}}\n")

    assert site.hosts["doc"].crossbar == Crossbar()


# The meaning that OCS gives to null.
@pytest.mark.parametrize("entry", ["{crossbar: }", "{}"])
def test_a_host_without_crossbar_settings_runs_no_router(loaded, entry):
    assert loaded(f"{HUB}hosts:\n  doc: {entry}\n").hosts["doc"].crossbar is None


def test_keys_may_be_spelled_with_hyphens_or_underscores(loaded):
    site = loaded(
        "hub: {wamp-server: 'ws://h:1/ws', address-root: lab}\n"
        "hosts:\n  a_b:\n    log_dir: /x\n    agent_instances: [{agent_class: A, instance_id: a}]\n"
    )

    assert site.hub.address_root == "lab"
    assert site.hosts["a_b"].log_dir == "/x"
    assert site.hosts["a_b"].instances[0].agent_class == "A"


def test_keys_that_start_with_x_are_ignored_everywhere(loaded):
    site = loaded("""\
x-any: {a: 1, a: 2}
hub: {wamp_server: 'ws://h:1/ws', x-note: mine}
hosts:
  x-host: [not, a, host]
  doc:
    x-note: [1]
    agent-instances: [{agent-class: A, instance-id: a, x-serial: 12}]
""")

    assert list(site.hosts) == ["doc"]


def test_anchors_and_merge_keys_work(loaded):
    site = loaded(f"""\
x-base: &base {{agent-class: FakeDataAgent, arguments: &args [--mode, acq]}}
x-idle: &idle {{arguments: [--mode, idle], restart: never}}
{HUB}hosts:
  doc:
    agent-instances:
      - {{<<: *base, instance-id: a}}
      - {{instance-id: b, arguments: [], <<: *base}}
      - {{<<: [*idle, *base], instance-id: c}}
      - {{agent-class: A, instance-id: d, arguments: [*args, [--x]]}}
""")

    first, second, third, fourth = site.hosts["doc"].instances
    assert (first.agent_class, first.arguments) == ("FakeDataAgent", ("--mode", "acq"))
    assert (second.agent_class, second.arguments) == ("FakeDataAgent", ())
    assert (third.arguments, third.restart) == (("--mode", "idle"), "never")
    assert fourth.arguments == ("--mode", "acq", "--x")


def test_agent_paths_start_from_the_folder_of_the_site_file(loaded, tmp_path):
    host = loaded(f"{HUB}hosts: {{doc: {{agent-paths: [agents, /opt/lab]}}}}\n").hosts["doc"]

    assert host.agent_paths == (str(tmp_path / "agents"), "/opt/lab")


def test_an_interpreter_starts_from_the_folder_of_the_site_file(loaded, tmp_path):
    pythons = (", python: venv/bin/python", ", python: /opt/python", "")
    entries = ", ".join(
        f"{{agent-class: A, instance-id: a{number}, runtime: ocs{python}}}"
        for number, python in enumerate(pythons)
    )
    host = loaded(f"{HUB}hosts: {{doc: {{agent-instances: [{entries}]}}}}\n").hosts["doc"]

    places = [str(tmp_path / "venv/bin/python"), "/opt/python", None]
    assert [each.python for each in host.instances] == places
    assert {each.runtime for each in host.instances} == {"ocs"}


def test_a_file_without_hosts_is_enough_for_clients(loaded):
    assert loaded(HUB).hosts == {}
    assert loaded(f"{HUB}hosts:\n").hosts == {}


def test_a_byte_order_mark_is_no_problem(loaded):
    assert loaded("\ufeff" + HUB).hub.wamp_realm == "test_realm"


def test_an_agent_in_a_container_may_stand_on_two_hosts(loaded):
    site = loaded(f"""\
{HUB}hosts:
  lab:
    agent-instances: [{{agent-class: A, instance-id: a, manage: docker}}]
  lab-docker:
    agent-instances: [{{agent-class: A, instance-id: a, arguments: [--x, 1]}}]
""")

    assert len(site.hosts) == 2
