"""Reading site files: what is accepted, and how each mistake is told."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.errors import SiteFileError, UnknownHostError, UsageError
from ocsd.site.load import find, load, pick_host
from ocsd.site.model import Crossbar, Manage

HUB = "hub: {wamp_server: 'ws://localhost:8001/ws'}\n"


def entries(*lines):
    body = "".join(f"      - {line}\n" for line in lines)
    return f"{HUB}hosts:\n  grumpy:\n    agent-instances:\n{body}"


def an_instance(loaded, entry):
    (instance,) = loaded(entries(entry)).hosts["grumpy"].instances
    return instance


# What is accepted


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


# How mistakes are told


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("hub: {wamp_server: 'ws://h:1/ws'\nhosts: {}\n", 2, "YAML syntax: while parsing a flow"),
        ("hub:\n\twamp_server: x\n", 2, "indent with spaces, not tabs"),
        ("hub: 'a\n", 2, "YAML syntax: while scanning a quoted scalar that starts in line 1"),
        ("hub: {}\nx: \x01\n", 2, "control characters"),
        ("hub: *nothing\n", 1, "undefined alias"),
        ("---\na: b\n---\nc: d\n", 3, "expected a single document"),
        ("", 1, "the file is empty"),
        ("# nothing\n", 1, "the file is empty"),
        ("- a\n", 1, "the site file must be a mapping (key: value), not a list"),
        ("hosts: {}\n", 1, "the site file has no 'hub'"),
        ("hub: {}\n", 1, "hub has no 'wamp_server'; write e.g. wamp_server: ws://"),
        ("hub: text\n", 1, "hub must be a mapping (key: value), not 'text'"),
        (HUB + "host: {}\n", 2, "unknown key 'host' in the site file; did you mean 'hosts'?"),
        (
            HUB + "wamp_realm: a\n",
            2,
            "unknown key 'wamp_realm' in the site file; it belongs to hub",
        ),
        (HUB + "hosts: {a: {}, a: {}}\n", 2, "key 'a' stands in line 2 already"),
        (HUB + "hosts: [a]\n", 2, "hosts must be a mapping (key: value), not a list"),
        (
            HUB + "hosts: {a: {crossbar: {bim: x}}}\n",
            2,
            "in crossbar of host 'a'; did you mean 'bin'",
        ),
        (
            HUB + "hosts: {a: {crossbar_timeout: x}}\n",
            2,
            "crossbar_timeout must be a number, not 'x'",
        ),
        (HUB + "hosts: {a: {crossbar_timeout: -1}}\n", 2, "must be 0 or more, not the number -1"),
        (HUB + "hosts: {a: {log-dir: 5}}\n", 2, "must be text, not the number 5; put it in quotes"),
        (HUB + "hosts: {a: {name: b}}\n", 2, "unknown key 'name' in host 'a'"),
        (HUB + "hosts: {a: {agent-paths: /x}}\n", 2, "agent-paths must be a list, not '/x'"),
        (HUB + "hosts: {a: {agent-paths: [1]}}\n", 2, "item 1 of agent-paths must be text"),
        (HUB + "hosts: {a/b: {}}\n", 2, "host name 'a/b' cannot be the name of a folder"),
        (HUB + "hosts: {a: {wamp_server: 'h:1'}}\n", 2, "wamp_server 'h:1' is not a usable URL"),
        (HUB + "hosts: {a: !lab {}}\n", 2, "the YAML tag '!lab' means nothing"),
        (HUB + "hosts: {a: {<<: 5}}\n", 2, "'<<' takes a mapping"),
        (HUB + "hosts: {a: {[b]: c}}\n", 2, "a key must be text"),
        (HUB + "hosts: {a: {log-dir: x, log_dir: y}}\n", 2, "(there spelled 'log-dir')"),
        (HUB + "hosts: {a: {crossbar_timeout: !!int x}}\n", 2, "'x' is no int"),
        (HUB + "hosts: {a: {crossbar_timeout: !!int ''}}\n", 2, "'' is no int"),
        (HUB + "hosts: &h {a: *h}\n", 2, "contains an alias of itself"),
    ],
)
def test_a_mistake_is_told_with_its_line(problems, text, line, said):
    found = problems(text)

    assert any(at == line and said in message for at, message in found), found
    assert len(found) == 1


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("fake-data1", "entry 1 of agent-instances of host 'grumpy' must be a mapping"),
        ("{agent-clas: A, instance-id: a}", "unknown key 'agent-clas' in entry 1 of agent-instan"),
        ("{agent-class: A}", "of host 'grumpy' has no 'instance-id'; write e.g. instance-id: fake"),
        ("{agent-class: A, instance-id: 12}", "instance-id must be text, not the number 12; put"),
        ("{agent-class: A, instance-id: yes}", "not the YAML word for true; put it in quotes"),
        ("{agent-class: A, instance-id: a.b}", "instance-id 'a.b' cannot be part of an address"),
        ("{agent-class: A B, instance-id: a}", "agent-class 'A B' is not a name"),
        ("{agent-class: A, instance-id: a, manage: upp}", "manage is 'upp', not one of up, down"),
        ("{agent-class: A, instance-id: a, manage: docker/dwn}", "did you mean 'docker/down'?"),
        ("{agent-class: A, instance-id: a, manage: 5}", "manage is 5, not one of"),
        ("{agent-class: A, instance-id: a, restart: allways}", "did you mean 'always'?"),
        ("{agent-class: A, instance-id: a, restart: no}", "not the YAML word for false"),
        ("{agent-class: A, instance-id: a, runtime: oc}", "must be one of ocsd, ocs, not 'oc'"),
        ("{agent-class: A, instance-id: a, python: 3}", "python must be text, not the number 3"),
        ("{agent-class: A, instance-id: a, python: p}", "'a' has 'python' but not 'runtime: ocs'"),
        ("{agent-class: A, instance-id: a, line: 7}", "unknown key 'line'"),
        ("{agent-class: A, instance-id: a, argumets: []}", "did you mean 'arguments'?"),
        (
            "{agent-class: A, instance-id: a, arguments: --x 1}",
            "arguments must be a list, not '--x",
        ),
        ("{agent-class: A, instance-id: a, arguments: [--x, yes]}", "put it in quotes: 'yes'"),
        ("{agent-class: A, instance-id: a, arguments: [[~]]}", "as nothing (null)"),
        (
            "{agent-class: A, instance-id: a, arguments: [{b: c}]}",
            "an argument is text or a number",
        ),
    ],
)
def test_a_mistake_in_an_instance_is_told_with_its_line(problems, entry, said):
    ((line, message),) = problems(entries(entry))

    assert line == 5
    assert said in message


def test_all_problems_are_told_at_once_in_the_order_of_the_file(problems):
    found = problems(
        "hub: {wamp_server: 'http://h', wamp_relm: a}\n"
        "hosts:\n  grumpy:\n    agent-instances:\n"
        "      - {agent-class: A, instance-id: a, manage: upp}\n"
        "      - {agent-class: A, instance-id: a, arguments: [no]}\n"
    )

    assert [line for line, _ in found] == [1, 1, 5, 6, 6]


def test_a_repeated_instance_id_is_told_with_both_lines(problems):
    text = entries("{agent-class: A, instance-id: a}") + (
        "  doc:\n    agent-instances:\n      - agent-class: B\n        instance-id: a\n"
    )

    assert problems(text) == [
        (
            9,
            "instance-id 'a' is used already in line 5 (host 'grumpy'); every agent of a site "
            "needs its own",
        )
    ]


def test_two_entries_for_containers_on_one_host_are_still_a_repeat(problems):
    entry = "{agent-class: A, instance-id: a, manage: docker}"

    assert len(problems(entries(entry, entry))) == 1


def test_a_mistake_in_a_much_used_anchor_is_told_once(problems):
    found = problems(f"""\
x-base: &base {{agent-class: A, argumets: []}}
{HUB}hosts:
  doc:
    agent-instances:
      - {{<<: *base, instance-id: a}}
""")

    assert [line for line, _ in found] == [1]


def test_a_file_that_unfolds_without_end_is_refused(problems):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]

    assert any("more than" in text for _, text in problems("\n".join(lines)))


@pytest.mark.parametrize("depth", [60, 5000])
def test_a_file_that_is_nested_without_end_is_refused(problems, depth):
    found = problems(f"{HUB}hosts: {'[' * depth}{']' * depth}\n")

    assert any("deep in each other" in text for _, text in found)


def test_bytes_that_are_not_utf8_are_told_with_their_line(tmp_path):
    file = tmp_path / "lab.yaml"
    file.write_bytes(b"hub:\n  address_root: \xff\n")

    with pytest.raises(SiteFileError, match=r"lab.yaml:2: byte 0xff is not UTF-8"):
        load(file)


def test_a_file_that_cannot_be_read_is_told_with_the_cause(tmp_path):
    with pytest.raises(SiteFileError, match=f"cannot read site file {tmp_path}: Is a directory"):
        load(tmp_path)


SAMPLE = entries("{agent-class: A, instance-id: a, manage: up, arguments: [['--x', 4], [yes]]}")


@settings(max_examples=300, deadline=None)
@given(
    st.integers(0, len(SAMPLE)), st.integers(0, 12), st.text("{}[]:,-#'\"&*<!?| \n\tx1", max_size=4)
)
def test_a_damaged_file_never_causes_another_error(tmp_path_factory, start, length, inserted):
    file = tmp_path_factory.mktemp("site") / "lab.yaml"
    file.write_text(SAMPLE[:start] + inserted + SAMPLE[start + length :])

    try:
        load(file)
    except SiteFileError as error:
        lines = str(error).splitlines()
    else:
        lines = []
    assert all(re.match(rf"{re.escape(str(file))}:\d+: ", line) for line in lines)


# Finding the file


@pytest.fixture
def folders(tmp_path, monkeypatch):
    configured, working = tmp_path / "config", tmp_path / "work"
    (working / "site-configs").mkdir(parents=True)
    configured.mkdir()
    monkeypatch.setenv("OCS_CONFIG_DIR", str(configured))
    monkeypatch.chdir(working)
    return configured, working / "site-configs"


def test_the_site_file_is_looked_for_in_the_documented_order(folders, tmp_path, monkeypatch):
    configured, local = folders
    (local / "default.yaml").touch()
    assert find().resolve() == local / "default.yaml"
    (configured / "default.yaml").touch()
    assert find() == configured / "default.yaml"
    monkeypatch.delenv("OCS_CONFIG_DIR")
    assert find().resolve() == local / "default.yaml"
    (tmp_path / "mine.yaml").touch()
    assert find(tmp_path / "mine.yaml") == tmp_path / "mine.yaml"


def test_a_site_is_a_file_of_its_name(folders):
    (folders[0] / "lab.yaml").touch()

    assert find(site="lab") == folders[0] / "lab.yaml"


def test_when_there_is_no_site_file_all_places_are_listed(folders):
    (folders[1] / "observatory.yaml").touch()

    with pytest.raises(SiteFileError) as caught:
        find(site="observatry")

    message = str(caught.value)
    assert "did you mean 'observatory.yaml'?" in message
    assert str(folders[0] / "observatry.yaml") in message
    assert "site-configs/observatry.yaml" in message
    assert "/etc/ocsd/observatry.yaml" in message


def test_a_site_file_that_is_not_there_is_told(tmp_path):
    (tmp_path / "default.yaml").touch()

    with pytest.raises(SiteFileError, match=r"no site file .*defalt.yaml; did you mean 'default"):
        find(tmp_path / "defalt.yaml")


def test_a_site_and_a_site_file_exclude_each_other(tmp_path):
    with pytest.raises(UsageError, match="exclude each other"):
        find(tmp_path / "default.yaml", "lab")


# Choosing the host


@pytest.fixture
def site(loaded):
    return loaded(f"{HUB}hosts: {{grumpy: {{}}, doc: {{}}, localhost: {{}}}}\n")


@pytest.mark.parametrize(
    ("name", "hostname", "host"),
    [
        ("doc", "grumpy", "doc"),
        (None, "grumpy", "grumpy"),
        (None, "grumpy.lab.edu", "grumpy"),
        (None, "happy", "localhost"),
    ],
)
def test_the_host_is_the_named_one_else_this_machine_else_localhost(site, name, hostname, host):
    assert pick_host(site, name, hostname).name == host


def test_an_unknown_host_is_told_with_those_there_are(site):
    with pytest.raises(UnknownHostError) as caught:
        pick_host(site, "grumpyy", "doc")

    assert "no host 'grumpyy'; did you mean 'grumpy'?; it has grumpy, doc, localhost" in str(
        caught.value
    )


def test_an_unknown_machine_is_told_to_pass_host(loaded):
    with pytest.raises(UnknownHostError, match=r"'happy' \(this machine\).*has doc; .* --host"):
        pick_host(loaded(f"{HUB}hosts: {{doc: {{}}}}\n"), hostname="happy")
