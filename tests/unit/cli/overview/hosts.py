"""Answers of a daemon, and the screens on which they are shown."""

from ocsd.cli.overview.page import page
from ocsd.cli.screen.terminal import Terminal
from ocsd.status import replies
from ocsd.status.verdict import verdict_of
from tests.unit.cli import stand_in_daemon

AT = 1795332781.0
FILE = "/var/lib/ocsd/one/data/17953/1795328225.g3"
RECORDING = {
    "recording": True,
    "paused": False,
    "trouble": "",
    "feeds": 50,
    "stale": 0,
    "age_s": 1.2,
    "file": FILE,
    "disk_free_bytes": 12 * 2**30,
    "disk_total_bytes": 40 * 2**30,
    "lost_last_day": {"holes": 0, "feeds": 0, "messages": 0},
}


def run(name="acq", state="running", kind="process", startup=True, reason=""):
    return {
        "name": name,
        "kind": kind,
        "state": state,
        "since_at": AT,
        "startup": startup,
        "reason": reason,
    }


def agent(instance_id, *runs, **fields):
    runs = runs or (run(),)
    told = {"operations": list(runs), "sample_age_s": 0.4}
    return stand_in_daemon.instance(instance_id, **{**told, **fields})


def aggregator(recording=RECORDING, *runs, **fields):
    fields = {"agent_class": "AggregatorAgent", "recording": recording, **fields}
    return agent("agg", *(runs or (run("record"),)), **fields)


def host(*instances, **changed):
    answer = stand_in_daemon.status("one", *instances)
    return replies.host_status({**answer, "pid": 77, **changed})


def screen(width=80, height=24, *, interactive=True, unicode=True, colour=False):
    return Terminal(interactive, unicode, colour, width, height)


def shown(report, *size, everything=False, **abilities):
    return page(report, verdict_of(report), screen(*size, **abilities), everything=everything)
