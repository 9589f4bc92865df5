"""The folders of host `one` in a bad night: 52 instances, their history, logs, data, site file."""

import threading
from contextlib import contextmanager
from pathlib import Path

import yaml

from ocsd.history.file import HistoryFile
from ocsd.history.summary import HistoryEntry
from tests.unit.cli import stand_in_daemon
from tests.unit.cli.overview.hosts import RECORDING, agent, aggregator, run
from tests.unit.cli.stand_in_daemon import StandIn
from tests.unit.data import recorded

AT = 1763796781.25  # 2025-11-22T07:33:01Z, past on every machine.
STUCK = "no answer for 42 s: it is stopped (SIGSTOP); kill -CONT 8913 lets it go on"
BROKEN = (
    "ended with exit code 1: serial.serialutil.SerialException: [Errno 2] could not open port "
    "/dev/ttyUSB3: [Errno 2] No such file or directory: '/dev/ttyUSB3' (drivers.py line 31)"
)
TRACEBACK = """\
Traceback (most recent call last):
  File "/opt/lab/agents/thermo/agent.py", line 112, in main
    device = Thermometer(args.port)
  File "/opt/lab/agents/thermo/drivers.py", line 31, in __init__
    self._line = serial.Serial(port, 115200, timeout=1.0)
serial.serialutil.SerialException: [Errno 2] could not open port /dev/ttyUSB3: [Errno 2] No such \
file or directory: '/dev/ttyUSB3'
"""
ALICE = "alice (uid 1000, pid 7120)"
NAMES = [f"thermo-{number:02d}" for number in range(48)]
SITE = {
    "hub": {
        "wamp_server": "ws://localhost:8001/ws",
        "wamp_http": "http://localhost:8001/call",
        "wamp_realm": "test_realm",
        "address_root": "observatory",
    },
    "hosts": {
        "one": {
            "agent-instances": [
                {"agent-class": "FakeDataAgent", "instance-id": name, "arguments": []}
                for name in (*NAMES, "starcamera", "gps-clock")
            ]
        }
    },
}


@contextmanager
def night(base: Path):
    """Make the folders below `base`, and a stand-in for the daemon that answers meanwhile."""
    logs, state, data = base / "log", base / "state" / "one", base / "data"
    for folder in (logs, state, data):
        folder.mkdir(parents=True)
    (base / "site.yaml").write_text(yaml.safe_dump(SITE))
    _history(HistoryFile(state / "journal.jsonl"), base)
    _logs(logs)
    _data(data)
    answer = stand_in_daemon.status("one", *_rows(logs, data))
    answer |= {"pid": 77, "disks": [_disk(data)], "clock": _CLOCK, "log_path": str(logs / "x")}
    server = StandIn(base / "run" / "one" / "control.sock", answer)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


_CLOCK = {"source": "chrony", "synchronised": True, "offset_s": 0.0003}


def _disk(data):
    return {"path": str(data), "what": ["state", "data"], "full_in_s": 10800.0, "warning": ""}


def _rows(logs, data):
    lost = {"holes": 2, "feeds": 1, "messages": 12}
    file = str(data / "17637" / "1763796000.g3")
    rows = [agent(name) for name in NAMES]
    rows[3] |= {"state": "backoff", "health": None, "reason": BROKEN, "next_try_s": 38.0}
    rows[3] |= dict.fromkeys(("pid", "uptime_s", "cpu_percent", "rss_bytes", "sample_age_s"))
    rows[3] |= {"operations": [], "restarts": 7}
    rows += [
        agent("starcamera", health="hung", layer="reactor", reason=STUCK, sample_age_s=44.0),
        agent("gps-clock", run(state="stopped", reason="a client"), sample_age_s=3720.0),
        aggregator({**RECORDING, "file": file, "lost_last_day": lost}, data_dir=str(data)),
        agent("registry", agent_class="RegistryAgent", sample_age_s=None),
    ]
    return [{**row, "log_path": str(logs / f"{row['instance_id']}.log")} for row in rows]


def _history(history, base):
    entries = []

    def happened(ago_s, name, event, before, after, **more):
        more = {"target": "up", **more}
        entries.append(HistoryEntry(AT - ago_s, name, event, before, after, **more))

    for name in (*NAMES, "starcamera", "gps-clock", "agg", "registry"):
        happened(11525, name, "UpRequested", "down", "starting", by=ALICE)
        happened(11524, name, "BecameReady", "starting", "up", pid=4321)
    examined = f"{base}/state/one/incidents/starcamera-1763793000: in read() of camera.py line 88"
    happened(3782, "starcamera", "Examined", "", "", reason=examined)
    happened(3781, "starcamera", "Exited", "up", "backoff", signal=9, reason="killed by SIGKILL")
    happened(3780, "starcamera", "RetryDue", "backoff", "starting")
    happened(3779, "starcamera", "BecameReady", "starting", "up", pid=8913)
    happened(3000, "thermo-10", "RestartRequested", "up", "stopping", by=ALICE)
    happened(2999, "thermo-10", "Exited", "stopping", "starting", code=0)
    happened(2998, "thermo-10", "BecameReady", "starting", "up", pid=9001)
    for number in range(7):
        ago_s = 400 - 55 * number
        happened(ago_s, "thermo-03", "Exited", "up", "backoff", code=1, reason=BROKEN)
        happened(ago_s - 20, "thermo-03", "RetryDue", "backoff", "starting")
        happened(ago_s - 21, "thermo-03", "BecameReady", "starting", "up", pid=9100 + number)
    happened(12, "thermo-03", "Exited", "up", "backoff", code=1, reason=BROKEN)
    happened(42, "starcamera", "HealthChanged", "", "", reason=f"hung: reactor: {STUCK}")
    for entry in sorted(entries, key=lambda entry: entry.at):
        history.write(entry)


def _logs(logs):
    for number, name in enumerate((*NAMES, "starcamera", "gps-clock", "agg", "registry")):
        lines = [f"2025-11-22T04:20:5{number % 10}.238Z INFO {name}: launching acq\n"]
        if name == "thermo-03":
            lines += [f"2025-11-22T07:32:49.{number:03d}Z ERROR {name}: main failed\n", TRACEBACK]
        if name == "gps-clock":
            lines += ["2025-11-22T06:31:01.500Z WARN gps-clock: acq: stop requested\n"]
        (logs / f"{name}.log").write_text("".join(lines))


def _data(data):
    opened = 1763796000
    addresses = [f"observatory.{name}.feeds.temperatures" for name in (*NAMES, "starcamera")]
    frames = [
        recorded.samples(recorded.every(0.25, 40, opened), number, address, channel_00=[0.5] * 40)
        for number, address in enumerate(addresses)
    ]
    hole = recorded.hole(opened + 2, opened + 5, addresses[3])
    frames.append(recorded.holes(len(addresses), hole))
    recorded.sound(data, *frames, opened=opened, addresses=(*addresses, recorded.HOLES))
