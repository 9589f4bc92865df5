"""Reading site files: how each mistake is told."""

import re

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from ocsd.errors import SiteFileError
from ocsd.site import document
from ocsd.site.document import Problem
from ocsd.site.load import load
from tests.unit.site.site_text import HUB, entries


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
        (
            "hub:\n  access: closed\n  wamp_server: ws://h:8001/ws\n",
            3,
            "wamp_server 'ws://h:8001/ws' is not encrypted; write wamp_server: wss://h:8443/ws, "
            "and make the keys: ocsd access init",
        ),
        (
            "hub:\n  access: closed\n  wamp_server: wss://h/ws\n  wamp_http: http://h/call\n",
            4,
            "wamp_http 'http://h/call' is not encrypted; write wamp_http: https://h:8443/call",
        ),
        (
            "hub: {access: closed, wamp_server: 'wss://h/ws'}\n"
            "hosts:\n  a:\n    wamp_server: ws://h/ws\n",
            1,
            "line 4: hub has access: closed, but wamp_server 'ws://h/ws' is not encrypted",
        ),
        (
            "hub: {access: closed, wamp_server: 'wss://h/ws',\n  wamp_tls: 'wss://h/ws'}\n",
            2,
            "so wamp_server is the only address of the router; take wamp_tls out",
        ),
        (
            "hub: {wamp_server: 'ws://h/ws',\n  wamp_tls: 'ws://h:9/ws'}\n",
            2,
            "wamp_tls 'ws://h:9/ws' is not encrypted; write wamp_tls: wss://h:8443/ws",
        ),
        (
            "hub: {wamp_server: 'ws://h/ws',\n  listen: 'h:8001'}\n",
            2,
            "listen 'h:8001' is not an address of this machine; write it without a port",
        ),
        ("hub: {access: shut, wamp_server: 'ws://h/ws'}\n", 1, "must be one of open, closed, not"),
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
        (HUB + "hosts: {a: {agent-paths: /x}}\n", 2, "agent-paths must be a list, not '/x'"),
        (HUB + "hosts: {a: {agent-paths: [1]}}\n", 2, "item 1 of agent-paths must be text"),
        (HUB + "hosts: {a/b: {}}\n", 2, "host name 'a/b' cannot be the name of a folder"),
        (HUB + "hosts: {a: {wamp_server: 'h:1'}}\n", 2, "wamp_server 'h:1' is not a usable URL"),
        (HUB + "hosts: {a: !lab {}}\n", 2, "the YAML tag '!lab' means nothing"),
        (HUB + "hosts: {a: {<<: 5}}\n", 2, "'<<' takes a mapping"),
        (HUB + "hosts: {a: {[b]: c}}\n", 2, "a key must be text"),
        (HUB + "hosts: {a: {log-dir: x, log_dir: y}}\n", 2, "(there spelled 'log-dir')"),
        (HUB + "hosts: {a: {crossbar_timeout: !!int x}}\n", 2, "'x' is not a valid int"),
        (HUB + "hosts: {a: {crossbar_timeout: !!int ''}}\n", 2, "'' is not a valid int"),
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
        "      - {agent-class: A, instance-id: a, arguments: [{b: c}]}\n"
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


@pytest.mark.parametrize("depth", [50, 60, 5000, 200_000])
@pytest.mark.parametrize(("opening", "closing"), [("[", "]"), ("{a: ", "}"), ("- ", "")])
def test_a_file_that_is_nested_without_end_is_refused(problems, depth, opening, closing):
    hosts = "\n" + opening * depth + "x" if opening == "- " else opening * depth + closing * depth

    found = problems(f"{HUB}hosts: {hosts}\n")

    assert [(line, "more than 50 deep" in text) for line, text in found] == [
        (3 if opening == "- " else 2, True)
    ]


@pytest.mark.parametrize("opening", ["[", "{a: "])
def test_the_parser_in_python_says_the_same_of_a_file_nested_without_end(opening):
    """Some builds of PyYAML have no libyaml."""
    found = document.read(f"{HUB}hosts: {opening * 5000}\n", {}, loader=yaml.SafeLoader)

    assert found.problems == (
        Problem(2, "lists and mappings stand more than 50 deep in each other"),
    )


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
