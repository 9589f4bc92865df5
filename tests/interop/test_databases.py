"""The points of our writers beside those of OCS's publishers."""

import json
import random
import subprocess
import time

import pytest

from ocsd.export.databases.inbox import Inbox
from ocsd.export.databases.lines import lines_of
from tests.interop.influx_stub import influx_stub
from tests.system.conftest import fake_agent, kept_router, own_router, router, site  # noqa: F401 # fixtures
from tests.system.waiting import wait_until

pytestmark = pytest.mark.interop

FORMAT = """
import json, sys
from ocs.common.influxdb_drivers import format_data
print(json.dumps(format_data(*json.load(sys.stdin), "line")))
"""
FEED = {
    "agent_address": "observatory.thermo1",
    "address": "observatory.thermo1.feeds.temps",
    "feed_name": "temps",
    "agent_class": "Thermo",
    "session_id": "1795328000.5",
    "agg_params": {},
    "record": True,
}
TAGS = {
    "a": {"_field": "temperature", "channel": 0},
    "n": {"_field": "count", "channel": 1, "place": "top"},
}


def message(count=200):
    made = random.Random(7)
    times = [time.time() + made.random() for _ in range(count)]
    data = {"a": [made.gauss(0, 1e3) for _ in times], "n": [made.randint(-9, 9) for _ in times]}
    return {"block_name": "b", "timestamps": times, "data": data}


def with_all_types():
    block = message()
    block["data"] |= {"on": [True, False] * 100, "state": ["x y, z"] * 200}
    return block


def with_tags():
    return message() | {"influxdb_tags": TAGS}


@pytest.mark.parametrize("block", [with_all_types(), with_tags()], ids=["plain", "tagged"])
def test_every_line_is_that_of_ocs(ocs_python, block):
    inbox = Inbox(takes_all=True, clock=time.time)
    inbox.receive(({"b": block}, FEED))
    ours = [line for samples in inbox.first()[1] for line in lines_of(samples)]
    told = json.dumps([{"b": block}, FEED])
    command = [ocs_python, "-c", FORMAT]
    answer = subprocess.run(command, input=told, text=True, capture_output=True, check=True)
    assert sorted(ours) == sorted(json.loads(answer.stdout.splitlines()[-1]))


def publisher(number, name, port, **more):
    """Return an entry of OCS's documentation."""
    arguments = ["--initial-state", "record"]
    if number == 2:
        environment = {
            "INFLUXDB_V2_URL": f"http://127.0.0.1:{port}",
            "INFLUXDB_V2_ORG": "ocs",
            "INFLUXDB_V2_BUCKET": name,
            "INFLUXDB_V2_TOKEN": "secret",
        }
        return {
            "agent-class": "InfluxDBAgentv2",
            "instance-id": name,
            "arguments": arguments,
            "env": environment,
        } | more
    arguments += ["--host", "127.0.0.1", "--port", port, "--database", name]
    return {"agent-class": "InfluxDBAgent", "instance-id": name, "arguments": arguments} | more


def times(lines):
    return [int(line.rpartition(" ")[2]) for line in lines]


def test_entries_of_ocs_write_what_the_agents_of_ocs_write(request, ocs_python):
    lab = request.getfixturevalue("site")
    old = {"runtime": "ocs", "python": str(ocs_python)}
    names = ["ours1", "theirs1", "ours2", "theirs2"]
    with influx_stub() as (port, lines):
        lab.write(
            fake_agent("fake-data1"),
            publisher(1, "ours1", port),
            publisher(1, "theirs1", port, **old),
            publisher(2, "ours2", port),
            publisher(2, "theirs2", port, **old),
        )
        done = lab.start()
        assert done.returncode == 0, done.stdout + done.stderr
        wait_until(lambda: all(lines[name] for name in names), "lines of each")
        begin = time.time_ns()  # from here on each of them listens
        end = begin + 5 * 10**9
        later = end + 4 * 10**9  # agents publish up to seconds late
        wait_until(lambda: all(max(times(set(lines[name]))) > later for name in names), "5 s")

    def written(name):
        return {line for line in lines[name] if begin < times([line])[0] < end}

    assert len(written("theirs1")) > 20
    for name in names:
        assert written(name) == written("theirs1"), name
