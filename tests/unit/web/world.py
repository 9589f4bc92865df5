"""A made-up site for the stand-in: its state, its operations, and data that move."""

import math
import threading
import time

YEAR_S = 365 * 86400


def operation(name, kind, params=(), session=None, docstring=""):
    """Return an operation as `GET instances/NAME/operations` has it."""
    return {
        "name": name,
        "kind": kind,
        "docstring": docstring,
        "params": list(params),
        "session": session,
    }


def param(name, type_, default=None, choices=None, help_=""):
    """Return a parameter with a default."""
    return {
        "name": name,
        "type": type_,
        "default": default,
        "has_default": True,
        "choices": choices,
        "help": help_,
    }


LINES = (
    ("info", 'acq:0 Status is now "running".'),
    ("info", "connected to <i>/dev/ttyUSB0</i>, firmware 1.4"),
    ("info", "channel_02: range changed from 63.2 ohm to 200 ohm"),
    ("warn", "channel_03: no answer within 0.5 s; asked again"),
)


class World:
    """The made-up site: what it answers now, and what was asked of it.

    `names` are those of the instances, or map them to their classes.
    """

    def __init__(self, names=("fake-data1", "fake-data2"), wrong=(), name="Sandbox"):
        self.name = name
        self.names = list(names)
        self.classes = dict.fromkeys(names, "FakeDataAgent")
        if isinstance(names, dict):
            self.classes = names
        self.wrong = list(wrong)
        self.asked = []
        self.deliveries = []
        self.alarms = []
        """The alarms, as `GET alarms` has them; a site without any has no part of the page."""
        self.silent = threading.Event()
        """Set it to let all streams stall without an end."""
        self.task_began_at = None
        self.hole = {"before_s": 240, "length_s": 40}
        self.begun_at = time.time()

    def answer_alarm(self, verb, body):
        """Carry out a request for an alarm."""
        changes = {
            "ack": {"acknowledged_by": "simon"},
            "silence": {
                "silenced_until": time.time() + body.get("for_s", 0),
                "silenced_by": "simon",
            },
            "unsilence": {"silenced_until": None},
        }
        self.alarms = [
            {**each, **changes[verb]} if each["name"] == body["name"] else each
            for each in self.alarms
        ]

    def state(self):
        now = time.time()
        level, word = ("bad", "attention") if self.wrong else ("ok", "ok")
        instances = [self.instance(name, now) for name in self.names]
        up = sum(each["state"] == "up" for each in instances)
        verdict = (
            f"grumpy: {word} · {up} of {len(instances)} up · recording {len(instances)} feeds, "
            "last sample 0.6 s ago · disk full in 9 days"
        )
        host = {
            "host": "grumpy",
            "answers": True,
            "reason": "",
            "asked_at": now - 0.2,
            "level": level,
            "verdict": verdict,
            "wrong": self.wrong,
            "status": {"schema": "ocsd.status/1", "host": "grumpy", "instances": instances},
        }
        if self.alarms:
            raised = sum(each["state"] == "raised" for each in self.alarms)
            host["status"]["alarms"] = {"raised": raised, "worst": "critical"}
        return {
            "schema": "ocsd.page/1",
            "at": now,
            "site": {"name": self.name, "colour": "#7a3e9d"},
            "hosts": [host],
        }

    def instance(self, name, now):
        bad = next((each for each in self.wrong if each["instance_id"] == name), None)
        return {
            "instance_id": name,
            "agent_class": self.classes[name],
            "state": "backoff" if bad else "up",
            "target": "up",
            "health": None if bad else "ok",
            "reason": bad["reason"] if bad else "",
            "since_at": self.begun_at,
            "pid": None if bad else 4121,
            "uptime_s": None if bad else now - self.begun_at,
            "restarts": 3 if bad else 0,
            "cpu_percent": None if bad else 1.2 + math.sin(now),
            "rss_bytes": None if bad else 23_400_000,
            "operations": None if bad else [{"name": "acq", "kind": "process", "state": "running"}],
            "sample_age_s": None if bad else now % 1,
        }

    def operations(self):
        session = None
        if self.task_began_at:
            so_far = min(5.0, time.time() - self.task_began_at)
            session = {
                "op_name": "delay_task",
                "status": "running" if so_far < 5 else "done",
                "success": True if so_far >= 5 else None,
                "start_time": self.task_began_at,
                "end_time": None,
                "data": {"requested_delay": 5.0, "delay_so_far": so_far},
                "messages": [[self.task_began_at, "Status is now running."]],
            }
        running = {
            "op_name": "acq",
            "status": "running",
            "degraded": False,
            "success": None,
            "start_time": self.begun_at,
            "end_time": None,
            "data": {"fields": {"channel_00": 77.915, "channel_01": 78.4695}},
            "messages": [[self.begun_at, 'Status is now "running".']],
        }
        text = "delay_task(delay=5, succeed=True)\n\n<b>Task</b> - Sleep <script>alert(1)</script>."
        return [
            operation("acq", "process", [param("degradation_period", "float, nullable")], running),
            operation(
                "delay_task",
                "task",
                [
                    param("delay", "float", 5.0),
                    param("succeed", "bool", default=True),
                    param("mode", "str", "fast", choices=["fast", "slow"]),
                ],
                session,
                text,
            ),
        ]

    def log(self, since_at):
        """Return the lines of a log: two dozen from before the site began, then one a second."""
        older = [self.begun_at - 61.7 * (24 - i) for i in range(24)]
        newer = [self.begun_at + i for i in range(int(time.time() - self.begun_at))]
        told = [(at, *LINES[i % len(LINES)]) for i, at in enumerate((*older, *newer))]
        last = [each for each in told if each[0] >= since_at][-200:]
        return [{"at": at, "level": level, "text": text} for at, level, text in last]

    def fields(self, search=""):
        feeds = [f"{name}.false_temperatures" for name in self.names]
        channels = [f"{feed}.channel_{i:02d}" for feed in feeds for i in range(4)]
        every = [*channels, *(f"{name}.status.mode" for name in self.names)]
        words = search.lower().split()
        found = [field for field in every if all(word in field.lower() for word in words)]
        return [self.field(each) for each in found]

    def field(self, field):
        name, feed, last = field.rsplit(".", 2)
        is_text = last == "mode"
        return {
            "field": field,
            "instance_id": name,
            "feed": feed,
            "name": last,
            "kind": "text" if is_text else "number",
            "units": "" if is_text else "K",
            "label": "cold plate" if last == "channel_00" else "",
            "newest_at": time.time() - 0.3,
        }

    def window(self, fields, since, until, columns):
        hole_from = self.begun_at - self.hole["before_s"]
        hole_until = hole_from + self.hole["length_s"]
        found = {
            each: self.series(each, since, until, columns, (hole_from, hole_until))
            for each in fields
        }
        holes = [
            {
                "feed": feed,
                "since_at": hole_from,
                "until_at": hole_until,
                "cause": "the aggregator was killed",
                "count": 160,
                "estimated": True,
            }
            for feed in sorted({each.rsplit(".", 1)[0] for each in fields})
        ]
        return {"since": since, "until": until, "fields": found, "holes": holes}

    def series(self, field, since, until, columns, hole):
        step = max((until - since) / columns, 0.25)
        first = math.ceil(since / step)
        times = [i * step for i in range(first, math.floor(until / step) + 1)]
        times = [at for at in times if not hole[0] <= at <= hole[1] and at >= time.time() - YEAR_S]
        if field.endswith(".mode"):
            changes = [[at, f"mode {int(at // 300) % 7}"] for at in times if at % 300 < step]
            ones = [1] * len(times)
            return {
                **dict.fromkeys(("min", "max", "mean"), [None] * len(times)),
                "t": times,
                "n": ones,
                "n_nan": ones,
                "breaks": [],
                "raw": False,
                "changes": changes,
                "units": "",
                "label": "",
            }
        means = [value(field, at) for at in times]
        spread = 0.02 * step**0.5
        breaks = [i for i, at in enumerate(times) if i and times[i - 1] < hole[0] < at]
        return {
            "t": times,
            "n": [max(1, round(step * 4)) for _ in times],
            "n_nan": [0 for _ in times],
            "min": [each - spread for each in means],
            "max": [each + spread for each in means],
            "mean": means,
            "raw": False,
            "breaks": breaks,
            "changes": None,
            "units": "K",
            "label": "",
        }


def value(field, at):
    """Return the made-up value of a field at a time."""
    place = sum(map(ord, field)) % 17
    waves = ((0.9, 1900), (0.5, 610), (0.2, 173), (0.08, 31), (0.05, 2.3))
    return 76 + place / 4 + sum(size * math.sin(at / wave + place) for size, wave in waves)


def column(field, times):
    """Return live columns of a field."""
    means = [value(field, at) for at in times]
    spread = 0.02
    return {
        "t": times,
        "n": [4 for _ in times],
        "min": [each - spread for each in means],
        "max": [each + spread for each in means],
        "mean": means,
    }


MADE_UP = (
    {
        "what": "thermo1",
        "instance_id": "thermo1",
        "reason": "SerialException: could not open port /dev/ttyUSB3: [Errno 2] No such file",
        "since_at": time.time() - 2400,
        "remedy": "connect the device, or change --port in default.yaml line 31",
    },
    {
        "what": "disk",
        "instance_id": None,
        "reason": "the disk of the data folder /data is full in 9 days",
        "since_at": None,
        "remedy": "ocsd data ls shows what takes the space",
    },
)
