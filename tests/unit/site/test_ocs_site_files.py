"""Site files as OCS's and socs's documentation and laboratories have them: keys and values.

OCS 0.12.1 accepts each of them; so does ocsd, with a warning where it reads something in a
way that may surprise.
"""

import pytest

from ocsd.site.model import Manage

HUB = {
    "with a registry_agent": """\
hub:
  wamp_server: ws://10.10.10.3:8001/ws
  wamp_http: http://10.10.10.3:8001/call
  wamp_realm: detlab.system
  address_root: observatory
  registry_agent: observatory.registry
""",
    "with a registry_address": """\
hub:
  wamp_server: ws://crossbar:8001/ws
  wamp_http: http://crossbar:8001/call
  wamp_realm: test_realm
  address_root: observatory
  registry_address: observatory.registry
""",
    "with an access policy": """\
hub:
  wamp_server: ws://localhost:8001/ws
  wamp_http: http://localhost:8001/call
  wamp_realm: test_realm
  address_root: observatory
  access_policy: "director:access-dir"
""",
    "without a bridge": """\
hub: {wamp_server: 'ws://localhost:8001/ws', wamp_realm: r, address_root: detlab}
""",
}

HOSTS = """\
hosts:
  host-1: {
    'crossbar': null,
    'agent-paths': ['/home/ocs/git/socs/agents', '/home/ocs/git/ocs/agents/'],
    'log-dir': '/simonsobs/log/ocs/',
    'agent-instances': [
      {'agent-class': 'HostManager',
       'instance-id': 'hm-1',
       'arguments': [['--initial-state', 'up'],
                     ['--docker-compose', '/home/ocs/site/docker-compose.yaml'],
                     ['--docker-service-prefix', 'ocs-']]},
      {'agent-class': 'Lakeshore240Agent',
       'instance-id': 'thermo1',
       'manage': 'docker',
       'arguments': [['--serial-number', 'LSA11AA'], ['--mode', 'idle']]},
    ]
  }
  host-1-docker: {
    'agent-instances': [
      {'agent-class': 'Lakeshore240Agent',
       'instance-id': 'thermo1',
       'arguments': [['--serial-number', 'LSA11AA'], ['--mode', 'idle']]},
    ]
  }
  host-2: {
    'crossbar': {'bin': '/usr/local/bin/crossbar', 'config-dir': '/home/ocs/.crossbar/'},
    'crossbar_timeout': 10,
    'agent-instances': [
      {'agent-class': 'Lakeshore372Agent',
       'instance-id': 'thermo2',
       'manage': yes,
       'arguments': [['--serial-number', 'LSA22YG'], ['--ip-address', '10.10.10.2'],
                     ['--dwell-time-delay', 0], ['--auto-acquire']]},
      {'agent-class': 'PysmurfMonitor', 'instance-id': 'pysmurf-monitor', 'manage': no},
    ]
  }
"""

INSTANCES = {
    "aggregator": (
        "{'agent-class': 'AggregatorAgent', 'instance-id': 'aggregator', 'arguments': "
        "[['--initial-state', 'record'], ['--time-per-file', '3600'], ['--data-dir', '/data/']]}",
        "--initial-state record --time-per-file 3600 --data-dir /data/",
    ),
    "influxdb": (
        "{'agent-class': 'InfluxDBAgent', 'instance-id': 'influxagent', 'arguments': "
        "[['--initial-state', 'record'], ['--host', 'influxdb'], ['--port', 8086], "
        "['--protocol', 'line'], ['--gzip', True], ['--database', 'ocs_feeds']]}",
        "--initial-state record --host influxdb --port 8086 --protocol line --gzip True "
        "--database ocs_feeds",
    ),
    "registry": (
        "{'agent-class': 'RegistryAgent', 'instance-id': 'registry', 'arguments': []}",
        "",
    ),
    "access director": (
        "{'agent-class': 'AccessDirector', 'instance-id': 'access-dir', "
        "'arguments': ['--config-file', 'access.yaml']}",
        "--config-file access.yaml",
    ),
    "fake data": (
        "{'agent-class': 'FakeDataAgent', 'instance-id': 'fake-data1', 'arguments': "
        "[['--mode', 'idle'], ['--num-channels', '16'], ['--sample-rate', '5.5']]}",
        "--mode idle --num-channels 16 --sample-rate 5.5",
    ),
    "a relay board with False": (
        "{'agent-class': 'LabJackAgent', 'instance-id': 'labjack', 'arguments': "
        "[['--ip-address', '10.10.10.150'], ['--active-channels', ['AIN0', 'AIN1']], "
        "['--function-file', None], ['--auto-acquire', False]]}",
        "--ip-address 10.10.10.150 --active-channels AIN0 AIN1 --function-file None "
        "--auto-acquire False",
    ),
    "SNMP": (
        "{'agent-class': 'UPSAgent', 'instance-id': 'ups', 'arguments': "
        "[['--address', '10.10.10.50'], ['--port', 161], ['--mode', 'acq'], "
        "['--snmp-version', 3]]}",
        "--address 10.10.10.50 --port 161 --mode acq --snmp-version 3",
    ),
    "a thermometer": (
        "{'agent-class': 'Lakeshore372Agent', 'instance-id': 'LSASIM', 'arguments': "
        "[['--serial-number', 'LSASIM'], ['--ip-address', '10.10.10.6'], "
        "['--dwell-time-delay', 0], ['--mode', 'acq'], ['--sample-heater', False], "
        "['--enable-control-chan']]}",
        "--serial-number LSASIM --ip-address 10.10.10.6 --dwell-time-delay 0 --mode acq "
        "--sample-heater False --enable-control-chan",
    ),
    "a camera": (
        "{'agent-class': 'HTTPCameraAgent', 'instance-id': 'cameras', 'arguments': "
        "['--mode', 'acq', '--config-file', 'cameras.yaml']}",
        "--mode acq --config-file cameras.yaml",
    ),
    "a list of numbers": (
        "{'agent-class': 'ibootbarAgent', 'instance-id': 'ibootbar', 'arguments': "
        "[['--address', '10.10.10.50'], ['--port', 161], ['--mode', 'acq'], "
        "['--snmp-version', 2], ['--lock-outlet', 1, 2, 3]]}",
        "--address 10.10.10.50 --port 161 --mode acq --snmp-version 2 --lock-outlet 1 2 3",
    ),
    "a rate in exponents": (
        "{'agent-class': 'LabJackAgent', 'instance-id': 'labjack-slow', 'arguments': "
        "[['--sampling-frequency', 1e-3], ['--limit', .inf], [[['--deep', [1, [2]]]]]]}",
        "--sampling-frequency 1e-3 --limit inf --deep 1 2",
    ),
    "copying files": (
        "{'agent-class': 'SupRsync', 'instance-id': 'timestream-sync', 'arguments': "
        "['--archive-name', 'timestreams', '--remote-basedir', '/path/to/base/dir', "
        "'--db-path', '/data/so/dbs/suprsync.db', '--ssh-host', 'user@hostname', "
        "'--ssh-key', '/home/user/.ssh/id_rsa', '--delete-local-after', 604800, "
        "'--max-copy-attempts', 5, '--copy-timeout', 60, '--cmd-timeout', 5]}",
        "--archive-name timestreams --remote-basedir /path/to/base/dir --db-path "
        "/data/so/dbs/suprsync.db --ssh-host user@hostname --ssh-key /home/user/.ssh/id_rsa "
        "--delete-local-after 604800 --max-copy-attempts 5 --copy-timeout 60 --cmd-timeout 5",
    ),
    "a negative number, a rate and a word of its own": (
        "{'agent-class': 'HWPSupervisor', 'instance-id': 'hwp', 'arguments': "
        "['--offset', -3, ['--sleep-time', 0.5], '--driver-iboot-id', 'power-iboot']}",
        "--offset -3 --sleep-time 0.5 --driver-iboot-id power-iboot",
    ),
}


@pytest.mark.parametrize("hub", HUB.values(), ids=HUB)
def test_every_form_of_the_hub_is_accepted(loaded, hub):
    assert loaded(f"{hub}hosts: {{}}\n").hub.wamp_http.endswith(":8001/call")


def test_the_hosts_of_a_site_with_containers_are_accepted(loaded):
    site = loaded(HUB["without a bridge"] + HOSTS)

    assert site.warnings == ()
    manage = {each.instance_id: each.manage for each in site.hosts["host-2"].instances}
    assert manage == {"thermo2": Manage.UP, "pysmurf-monitor": Manage.IGNORE}


@pytest.mark.parametrize(("entry", "arguments"), INSTANCES.values(), ids=INSTANCES)
def test_the_arguments_of_every_kind_of_agent_are_those_of_ocs(loaded, entry, arguments):
    text = f"{HUB['without a bridge']}hosts:\n  lab:\n    agent-instances:\n      - {entry}\n"
    (instance,) = loaded(text).hosts["lab"].instances

    assert instance.arguments == tuple(arguments.split())


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("True", "True"),
        ("False", "False"),
        ("true", "True"),
        ("FALSE", "False"),
        ("yes", "True"),
        ("No", "False"),
        ("on", "True"),
        ("off", "False"),
        ("null", "None"),
        ("~", "None"),
        ("None", "None"),
        ("y", "y"),
    ],
)
def test_words_are_what_ocs_makes_of_them_with_a_warning_if_that_is_another_text(
    loaded, tmp_path, written, text
):
    site = loaded(
        f"{HUB['without a bridge']}hosts:\n  lab:\n    agent-instances:\n"
        f"      - {{agent-class: A, instance-id: a, arguments: [--x, [{written}]]}}\n"
    )

    assert site.hosts["lab"].instances[0].arguments == ("--x", text)
    if written == text:
        assert site.warnings == ()
    else:
        (warning,) = site.warnings
        assert warning.startswith(f"{tmp_path / 'lab.yaml'}:5: ")
        assert f"the agent gets {text!r}" in warning
        assert f"to pass {written!r}, put it in quotes" in warning


@pytest.mark.parametrize(
    ("written", "of_ocs"), [("0x1F", 31), ("012", 10), ("12:30", 750), ("0b101", 5), ("-010", -8)]
)
def test_a_number_that_ocs_changes_stays_as_written_with_a_warning(loaded, written, of_ocs):
    site = loaded(
        f"{HUB['without a bridge']}hosts:\n  lab:\n    agent-instances:\n"
        f"      - {{agent-class: A, instance-id: a, arguments: [--x, [{written}]]}}\n"
    )
    assert site.hosts["lab"].instances[0].arguments == ("--x", written)
    (warning,) = site.warnings
    assert ":5: " in warning
    assert f"not {of_ocs} as from OCS; put it in quotes, or write {of_ocs}" in warning


@pytest.mark.parametrize("written", ["8001", "-3", "+5", "1_000", "0", "1e-3", "0.50", "-.5"])
def test_a_number_that_ocs_passes_on_needs_no_warning(loaded, written):
    site = loaded(
        f"{HUB['without a bridge']}hosts:\n  lab:\n    agent-instances:\n"
        f"      - {{agent-class: A, instance-id: a, arguments: [--x, [{written}]]}}\n"
    )
    assert (site.hosts["lab"].instances[0].arguments[1], site.warnings) == (written, ())


def test_an_empty_argument_is_none_with_a_warning(loaded):
    site = loaded(
        f"{HUB['without a bridge']}hosts:\n  lab:\n    agent-instances:\n"
        "      - agent-class: A\n        instance-id: a\n        arguments:\n          -\n"
    )

    assert site.hosts["lab"].instances[0].arguments == ("None",)
    assert "take the empty item out" in site.warnings[0]


def test_keys_that_nothing_reads_are_left_out_with_line_and_remedy(loaded, tmp_path):
    site = loaded(
        HUB["with a registry_agent"]
        + "contact: somebody\nhosts:\n  lab:\n    room: B12\n    crossbar: {port: 8001}\n"
        "    agent-instances:\n      - {agent-class: A, instance-id: a, comment: old}\n"
    )

    file = tmp_path / "lab.yaml"
    assert site.warnings == (
        f"{file}:6: nothing reads 'registry_agent' in hub any more; remove it",
        f"{file}:7: nothing reads 'contact' in the site file; remove it, or write x-contact for a "
        "note of your own",
        f"{file}:10: nothing reads 'room' in host 'lab'; remove it, or write x-room for a note of "
        "your own",
        f"{file}:11: nothing reads 'port' in crossbar of host 'lab'; remove it, or write x-port "
        "for a note of your own",
        f"{file}:13: nothing reads 'comment' in entry 1 of agent-instances of host 'lab'; remove "
        "it, or write x-comment for a note of your own",
    )
    assert site.hosts["lab"].instances[0].instance_id == "a"


def test_the_lines_of_a_hosts_values_are_known(loaded):
    host = loaded(HUB["without a bridge"] + HOSTS).hosts["host-1"]

    assert (host.lines["agent-paths/0"], host.lines["log-dir"]) == (5, 6)
    assert "lines" not in host.data
