"""The points of our writers beside those of OCS's publishers."""

import json
import random
import subprocess
import time

import pytest

from ocsd.export.databases.inbox import Inbox
from ocsd.export.databases.lines import lines_of

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
