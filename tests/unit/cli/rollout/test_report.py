"""The words and the JSON about a roll-out."""

import textwrap
from dataclasses import replace
from pathlib import Path

import pytest

from ocsd.cli.rollout.report import (
    NewFile,
    effect_words,
    plan_exit_code,
    plan_json,
    plan_lines,
    result_json,
    result_lines,
)
from ocsd.rollout.course import Course, Stage
from ocsd.rollout.standing import Sight

PAGE = Path(__file__).parents[4] / "docs" / "run" / "rollout.md"
OLD, DIGEST = "09bad7c56a2b".ljust(64, "0"), "4bdfd4f7f2ba".ljust(64, "0")
NEW = NewFile("/home/vera/site/site.yaml", "", DIGEST)
FACTS = {"version": "0.1.0", "file_digest": OLD, "used_digest": OLD}
PAIRS = [["--mode", "acq", "--sample-rate", "10"], ["--mode", "acq", "--sample-rate", "20"]]
SIGHTS = [
    Sight("hub", **FACTS, runs_router=True),
    Sight(
        "lab-1",
        **FACTS,
        change={
            "effects": {"thermo1": "restarts"},
            "values": {"thermo1": {"arguments": PAIRS}},
        },
    ),
    Sight("lab-2", away="no daemon of host 'lab-2' is connected to the site's router"),
]
COURSE = Course((("lab-1",), ("hub",)), {})


def planned(*sights, course=COURSE, strangers=None):
    return "\n".join(plan_lines(sights, NEW, course, strangers or {}))


def test_a_plan_is_told_as_on_its_page():
    shown = textwrap.indent(planned(*SIGHTS), "    ")
    assert f"    $ ocsd site plan --site-file site.yaml\n{shown}\n" in PAGE.read_text()


@pytest.mark.parametrize(
    ("sight", "words"),
    [
        (Sight("a", version="1", file_digest=DIGEST, used_digest=DIGEST), "nothing to do"),
        (Sight("a", **FACTS, refusal="line 3: no"), "refuses the new file: line 3: no"),
        (Sight("a", **FACTS, installed="0.2.0"), "ocsd 0.1.0 -> 0.2.0, file"),
        (Sight("a", **FACTS, trouble="another daemon"), "trouble: another daemon"),
        (Sight("a", **FACTS, change={"warnings": ["no user x"]}), "warning: no user x"),
        (Sight("a", **FACTS, change={"hooks": {"on-failed": [None, ["/x"]]}}), "changes    hook"),
    ],
)
def test_what_is_special_about_a_host_is_told(sight, words):
    assert words in planned(sight)


def test_a_host_that_is_not_in_the_file_is_told():
    told = planned(course=Course((), {}), strangers={"old-1": "it answers"})
    assert told.splitlines()[1:] == ["old-1  not in the file, so it is left alone: it answers"]


def test_effects_are_counted():
    assert effect_words({"a": "starts", "b": "restarts", "c": "restarts", "d": "goes on"}) == (
        "1 instance starts, 2 restart"
    )
    assert effect_words({}) == "no instance is touched"


def test_the_exit_code_of_a_plan_tells_the_worst():
    refusing = replace(SIGHTS[0], refusal="no")
    assert plan_exit_code([SIGHTS[0]], DIGEST) == 0
    assert plan_exit_code(SIGHTS, DIGEST) == 69
    assert plan_exit_code([*SIGHTS, refusing], DIGEST) == 78


def test_a_plan_for_programs_has_each_host_and_the_waves():
    told = plan_json(SIGHTS, NEW, COURSE, {})
    assert told["waves"] == [["lab-1"], ["hub"]]
    assert [row["standing"] for row in told["hosts"]] == ["behind", "behind", "away"]
    assert told["hosts"][2]["version"] is None


def test_the_end_of_a_roll_out_is_told_for_each_host_that_is_not_done():
    stages = {"a": Stage.DONE, "b": Stage.WENT_BACK, "c": Stage.UNTOUCHED}
    course = Course((), stages, {"b": "thermo1: failed"})
    assert list(result_lines(course, NEW)) == [
        "b went back: thermo1: failed; it runs its file of before again",
        "3 hosts: 1 done, 1 went back, 1 untouched",
        f"see where each stands: ocsd site plan --site-file {NEW.path}",
    ]
    assert result_json(course, NEW, {"b": {"thermo1": "restarts"}})["hosts"][1] == {
        "host": "b",
        "stage": "went back",
        "reason": "thermo1: failed",
        "effects": {"thermo1": "restarts"},
    }
    assert list(result_lines(Course((), {"a": Stage.DONE}), NEW)) == ["1 host: 1 done"]


def test_hosts_with_one_reason_share_a_line():
    stages = dict.fromkeys(("a", "b", "c"), Stage.LEFT_OUT)
    course = Course((), stages, {"a": "the router is open", "b": "away", "c": "the router is open"})
    again = "once that is mended: ocsd site apply, with the same file"
    assert list(result_lines(course, NEW)) == [
        f"a, c left out: the router is open; {again}",
        f"b left out: away; {again}",
        "3 hosts: 3 left out",
    ]
