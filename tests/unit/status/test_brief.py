"""The status of a host in brief: small, and as good as the whole for the report of the site."""

import json
from itertools import product

from ocsd.cli.screen.terminal import Terminal
from ocsd.cli.site.whole import WholeSite, exit_code, lines
from ocsd.status.brief import brief, spread
from ocsd.status.site import SiteHost
from ocsd.system.classes import WEB_CLASS
from tests.unit.cli.stand_in_daemon import instance, status

PIPE = Terminal(interactive=False, unicode=True, colour=False, width_columns=80)
CLOCK = {"source": "chrony", "synchronised": True, "offset_s": 0.01}
WARNED = {"path": "/data", "what": ["data"], "warning": "/data is 95 % full"}
OPERATIONS = (
    [],
    [{"name": "acq", "kind": "process", "state": "running", "since_at": 1.0}],
    [{"name": "acq", "kind": "process", "state": "stopped", "since_at": 1.0, "startup": True}],
    [{"name": "home", "kind": "task", "state": "failed", "since_at": 1.0, "startup": True}],
)
RECORDINGS = (
    {"recording": True, "feeds": 5, "age_s": 0.5, "disk_free_bytes": 7},
    {"recording": True, "lost_last_day": {"holes": 2, "messages": 9, "feeds": 1}},
    {"recording": False},
    {"recording": True, "paused": True, "trouble": "recording pauses: the disk is full"},
)


def situations():
    """Yield rows of instances in all manners of being well and not."""
    states = product(("up", "down", "failed", "starting"), ("up", "down"), (None, "ok", "degraded"))
    for number, (state, target, health) in enumerate(states):
        row = {"state": state, "target": target, "health": health, "reason": "a cause"}
        yield instance(f"i{number}", **row)
        yield instance(f"web{number}", agent_class=WEB_CLASS, uptime_s=99.0, **row)
    for number, operations in enumerate(OPERATIONS):
        yield instance(f"o{number}", operations=operations)
    for number, recording in enumerate(RECORDINGS):
        fields = {"agent_class": "AggregatorAgent", "recording": recording}
        yield instance(f"r{number}", **fields)
        yield instance(f"down{number}", **fields, state="down", target="down")


def whole(*rows, **fields):
    return {**status("lab-1", *rows), "clock": CLOCK, "disks": [], **fields}


def report(status):
    site = WholeSite([SiteHost("lab-1", status)])
    return lines(site, PIPE), exit_code(site), exit_code(site, strict=True)


def test_the_report_of_the_site_is_the_same_of_the_whole_and_of_the_brief_status():
    rows = list(situations())
    hosts = [whole(row) for row in rows] + [whole(instance("well"), row) for row in rows]
    hosts += [
        whole(*rows[:1], disks=[WARNED]),
        whole(trouble="no space left"),
        whole(*rows[:2], stopping=True),
        whole(clock={"source": "none", "synchronised": False}),
        whole(router={"state": "starting", "reason": "it starts", "uptime_s": 3.0}),
        whole(alarms={"raised": 2, "wait": 1, "worst": "critical", "evaluator": ""}),
    ]
    for each in hosts:
        assert report(spread(brief(each))) == report(each)


def test_all_that_is_known_of_hosts_are_their_instances_and_where_they_are():
    told = spread(brief(whole(*situations())))
    names = {row["instance_id"] for row in whole(*situations())["instances"]}
    assert {row["instance_id"] for row in told["instances"]} == names
    assert all(
        {"agent_class", "state", "target", "health"} <= set(row) for row in told["instances"]
    )
    assert spread(told) == told  # as that of an earlier release


def test_a_host_that_is_well_says_little_and_the_same_as_long_as_nothing_happens():
    rows = [instance(f"thermometer-{number:03}") for number in range(50)]
    before = whole(*rows, uptime_s=5.0, site={"digest": "aa", "at": 100.0, "link": ""})
    moved = [{**row, "cpu_percent": 9.0, "uptime_s": 7.0, "rss_bytes": 5} for row in rows]
    later = {**before, "instances": moved, "uptime_s": 60.0, "clock": {**CLOCK, "offset_s": 0.02}}
    later["site"] = {**before["site"], "at": 155.0}
    assert brief(later) == brief(before)
    assert len(json.dumps(brief(before))) < len(json.dumps(before)) / 8
    ended = {**before, "instances": [*rows[1:], {**rows[0], "state": "failed"}]}
    assert brief(ended) != brief(before)
