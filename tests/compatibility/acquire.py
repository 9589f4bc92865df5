"""Whether agents acquire from simulated devices."""

import json
import math
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ocsd.client.http import ControlClientError
from tests.compatibility.classes import AgentClass, write_files
from tests.compatibility.devices import SIMULATORS
from tests.compatibility.devices.simulated import Simulated
from tests.compatibility.examine import Outcome, names
from tests.compatibility.fleet import REALM, ROOT, Fleet, Wanted, running, until

LIMIT_S = 140.0
"""So long an agent may take to its second message; the slowest asks once a minute [s]."""
MESSAGES = 2


@dataclass(frozen=True)
class Acquired:
    """What came of an agent with a device that answers."""

    ok: bool
    note: str
    outcome: Outcome


@contextmanager
def simulated_devices(classes: list[AgentClass], config: Path) -> Iterator[dict[str, Simulated]]:
    """Start the simulators of these classes, as far as there are any."""
    with ExitStack() as stack:
        devices = {}
        for each in classes:
            simulator = SIMULATORS.get(each.name)
            if simulator is not None:
                write_files(each, config)
                folder = config / "simulated" / each.name
                folder.mkdir(parents=True)
                devices[each.name] = stack.enter_context(simulator(folder))
        yield devices


def acquisition(
    classes: list[AgentClass], config: Path, limit_s: float = LIMIT_S
) -> dict[str, Acquired]:
    """Run the classes that have a simulator and return which of them acquire."""
    with simulated_devices(classes, config) as devices:
        if not devices:
            return {}
        fleet = Fleet(config, _environment(devices))
        source = Wanted("FakeDataAgent", ["--mode", "acq", "--sample-rate", "4"])
        wanted = [Wanted(name, each.arguments, "always") for name, each in devices.items()]
        fleet.write([source, *wanted])
        heard = config / "heard.jsonl"
        with running(fleet), _listening(fleet, heard):
            # Some publish only when they are told to.
            until(lambda: heard.stat().st_size, 30, "the feed of FakeDataAgent")
            for each in wanted:
                _start_operations(fleet, each, devices[each.class_name])

            def missing() -> dict[str, str]:
                messages = _messages(heard)
                notes = {
                    each.class_name: _lack(messages, each, devices[each.class_name])
                    for each in wanted
                }
                return {name: note for name, note in notes.items() if note}

            until(lambda: not missing(), limit_s)
            lacking = missing()
            outcomes = {
                each.class_name: Outcome(*names(fleet.api(each.instance_id))) for each in wanted
            }
    return {
        name: Acquired(name not in lacking, lacking.get(name, _told(device)), outcomes[name])
        for name, device in devices.items()
    }


def _environment(devices: Mapping[str, Simulated]) -> dict[str, str]:
    return {key: value for each in devices.values() for key, value in each.environment.items()}


def _start_operations(fleet: Fleet, wanted: Wanted, device: Simulated) -> None:
    if not device.operations:
        return
    until(lambda: fleet.api(wanted.instance_id), 60)
    client = fleet.client(wanted.instance_id)
    with suppress(ControlClientError):
        # What the agent starts by itself comes first.
        for name, session, _ in client.get_tasks():
            if session.get("status"):
                client.request("wait", name, timeout=20)
        for name, params in device.operations:
            client.request("start", name, params)
            client.request("wait", name, timeout=1)


@contextmanager
def _listening(fleet: Fleet, heard: Path) -> Iterator[None]:
    heard.touch()
    listener = subprocess.Popen(
        [
            *(sys.executable, "-m", "tests.compatibility.listener", heard),
            *("--site", "none", "--site-hub", f"ws://127.0.0.1:{fleet.port}/ws"),
            *("--site-http", fleet.http, "--site-realm", REALM, "--address-root", ROOT),
            *("--instance-id", "listener"),
        ],
        cwd=Path(__file__).parents[2],
        env=fleet.environment,
        stdout=(fleet.folder / "listener.log").open("wb"),
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield
    finally:
        os.killpg(listener.pid, 9)
        listener.wait()


def _messages(heard: Path) -> dict[str, list[Mapping[str, Any]]]:
    """Return the fields of all messages by feed address."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for line in heard.read_text().splitlines():
        with suppress(ValueError):  # the last line may be half written
            message = json.loads(line)
            found.setdefault(message["feed"], []).append(message["fields"])
    return found


def _lack(
    messages: Mapping[str, list[Mapping[str, Any]]], wanted: Wanted, device: Simulated
) -> str:
    """Return what an agent has not done yet; empty when all is well."""
    if device.seen is not None:
        return "" if device.seen() else "the device has got nothing"
    address = f"{ROOT}.{wanted.instance_id}.feeds.{device.feed}"
    got = messages.get(address, [])
    for name, value in device.values.items():
        count = sum(_carries(fields, name, value) for fields in got)
        if count < MESSAGES:
            other = next((fields[name] for fields in got if name in fields), "nothing")
            return f"{name} was {other}, {value} is measured; {len(got)} messages"
    return ""


def _carries(fields: Mapping[str, Any], name: str, value: Any) -> bool:
    if name not in fields:
        return False
    got = fields[name]
    return any(
        each == value or (_is_number(each, value) and math.isclose(each, value, rel_tol=1e-6))
        for each in (got if isinstance(got, list) else [got])
    )


def _is_number(*values: Any) -> bool:
    return all(isinstance(value, int | float) for value in values)


def _told(device: Simulated) -> str:
    if device.seen is not None:
        return "writes the feeds of other agents to a simulated server"
    values = list(device.values.items())[:2]
    pairs = ", ".join(
        f"{name} = {value:g}" if isinstance(value, float) else f"{name} = {value}"
        for name, value in values
    )
    return f"feed `{device.feed}`: {pairs}"
