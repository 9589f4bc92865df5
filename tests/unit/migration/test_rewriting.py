"""A rewritten site file keeps what both OCS and ocsd read, and every comment."""

import pytest
import yaml

from ocsd.migration.edits import Edit, apply
from ocsd.migration.finding import in_order
from ocsd.migration.rewriting import rewrite
from ocsd.site.load import load
from tests.unit.migration.ocs_site import SITE, WRITTEN, world

HUB = (
    "hub: {wamp_server: 'ws://localhost:8001/ws', wamp_http: 'http://localhost:8001/call', "
    "wamp_realm: r, address_root: lab}\n"
)


def draft(text, **more):
    return rewrite(text, "site.yaml", world(), **more)


def entry(text):
    return f"{HUB}hosts:\n  lab:\n    agent-instances:\n{text}"


def test_a_site_with_much_that_is_old_becomes_one_that_both_read(tmp_path):
    rewritten = draft(SITE, compose_files=["/srv/dc.yaml"], host="daq-1").rewritten
    assert rewritten.text == WRITTEN
    assert set(load(tmp_path / "s.yaml", WRITTEN).hosts) == {"daq-1", "daq-1-docker", "empty"}
    assert load(tmp_path / "s.yaml", WRITTEN).warnings == ()


def test_what_is_rewritten_once_stays_as_it_is():
    assert draft(WRITTEN, compose_files=["/srv/dc.yaml"], host="daq-1").rewritten.text == WRITTEN


def test_each_change_has_its_line_in_the_old_file():
    found = draft(SITE, compose_files=["/srv/dc.yaml"], host="daq-1").findings
    assert [(each.line, each.thing) for each in in_order(found)] == [
        (3, "hub has no address_root"),
        (3, "hub has no wamp_http"),
        (5, "key registry_agent"),
        (8, "key bin"),
        (8, "key config-dir"),
        (11, "HostManager"),
        (16, "instance 'fake1'"),
        (17, "argument 010"),
        (21, "key log-dir"),
        (24, "key agent_class"),
        (28, "key room"),
        (29, "host empty"),
    ]


@pytest.mark.parametrize(
    ("arguments", "written"),
    [
        ("", "        arguments: [--docker-compose, /srv/a b.yaml]\n"),
        ("        arguments:\n", "        arguments: [--docker-compose, '/srv/a b.yaml']\n"),
        (
            "        arguments:\n        - [--quiet]\n",
            "        arguments:\n        - [--docker-compose, '/srv/a b.yaml']\n"
            "        - [--quiet]\n",
        ),
        (
            "        arguments: [--quiet]\n",
            "        arguments: [--docker-compose, '/srv/a b.yaml', --quiet]\n",
        ),
    ],
)
def test_compose_files_of_the_unit_come_into_every_form_of_arguments(arguments, written):
    text = entry(f"      - agent-class: HostManager\n        instance-id: hm\n{arguments}")
    got = draft(text, compose_files=["/srv/a b.yaml"], host="lab").rewritten.text
    parsed = yaml.safe_load(got)["hosts"]["lab"]["agent-instances"][0]["arguments"]
    assert "/srv/a b.yaml" in str(parsed)
    if arguments:
        assert got.endswith(written)


def test_an_anchor_that_is_used_often_is_changed_once():
    text = entry(
        "      - &one {agent_class: A, instance-id: a}\n      - {<<: *one, instance-id: b}\n"
    )
    got = draft(text)
    assert got.rewritten.text.count("agent-class") == 1
    assert len(set(got.findings)) == 1


def test_a_text_that_is_no_site_file_comes_back_as_it_is():
    for text in ("", "a: [", "- 1\n", "hub: 3\nhosts: 4\n"):
        assert draft(text).rewritten.text == text


@pytest.mark.parametrize("word", ["yes", "no", "on", "off", "true", "False"])
def test_a_word_of_manage_that_ocs_refuses_is_written_as_ocsd_reads_it(word, tmp_path):
    text = entry(f"      - {{agent-class: A, instance-id: a, manage: {word}}}\n")
    before = load(tmp_path / "s.yaml", text).hosts["lab"].instances[0].manage
    after = load(tmp_path / "s.yaml", draft(text).rewritten.text).hosts["lab"].instances[0].manage
    assert before == after
    assert isinstance(
        yaml.safe_load(draft(text).rewritten.text)["hosts"]["lab"]["agent-instances"][0]["manage"],
        str,
    )


def test_lines_of_the_old_text_are_found_from_the_new_one():
    done = apply("a\nb\nc\n", [Edit(2, 2, "x\ny\n"), Edit(4, 5, "C")])
    assert done.text == "a\nx\ny\nb\nC\n"
    assert [done.old_line(line) for line in range(1, 6)] == [1, 2, 2, 2, 3]
