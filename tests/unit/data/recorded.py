"""Files made frame by frame with spt3g, as docs/reference/wire.md has them or purposely not."""

import so3g  # noqa: F401, I001 # carries spt3g, so it comes first
import numpy as np
from spt3g import core

OPENED = 1_795_328_225
ROOT = "observatory"
THERMO = f"{ROOT}.thermo1.feeds.temps"
HOLES = f"{ROOT}.aggregator.feeds.holes"

_VECTORS = {
    float: core.G3VectorDouble,
    bool: core.G3VectorBool,
    int: core.G3VectorInt,
    str: core.G3VectorString,
}


def ticks(at):
    return round(at * 1e8)


def every(interval_s, count, from_at=OPENED):
    return [from_at + number * interval_s for number in range(count)]


def block(times, **fields):
    made = core.G3TimesampleMap()
    made.times = core.G3VectorTime(np.array([ticks(at) for at in times], dtype=np.int64))
    for name, values in fields.items():
        made[name] = _VECTORS[type(values[0])](values)
    return made


def _frame(kind, **more):
    frame = core.G3Frame(core.G3FrameType.Housekeeping)
    for name, value in ({"hkagg_type": kind, "hkagg_version": 2, "session_id": 7} | more).items():
        frame[name] = value
    return bytes(frame.__getstate__()[1])


def session(**more):
    return _frame(0, **{"start_time": float(OPENED), "description": "HK data"} | more)


def status(*addresses, **more):
    """List providers, numbered from 0 in the order of `addresses`."""
    listed = core.G3VectorFrameObject()
    for number, address in enumerate(addresses):
        entry = core.G3MapFrameObject()
        entry["prov_id"] = core.G3Int(number)
        entry["description"] = core.G3String(address)
        listed.append(entry)
    return _frame(1, **{"timestamp": float(OPENED), "providers": listed} | more)


def data(prov_id=0, address=THERMO, run="1795328000.5", blocks=None, **more):
    maps = core.G3VectorFrameObject()
    for each in (blocks or {}).values():
        maps.append(each)
    names = core.G3VectorString(list(blocks or {}))
    given = {"blocks": maps, "block_names": names, "address": address, "timestamp": float(OPENED)}
    return _frame(2, **given | {"prov_id": prov_id, "provider_session_id": run} | more)


def samples(times, prov_id=0, address=THERMO, run="1795328000.5", name="temps", **fields):
    """Return a frame with one block; without fields it has one, that counts."""
    fields = fields or {"count": list(range(len(times)))}
    return data(prov_id, address, run, {name: block(times, **fields)})


def holes(prov_id, *entries):
    """Return a frame with holes as the aggregator records them."""
    columns = {
        key: [entry[key] for entry in entries]
        for key in (
            *("feed", "agent_session", "first", "last", "count"),
            *("from_time", "until_time", "cause", "estimated"),
        )
    }
    times = [entry["until_time"] for entry in entries]
    return data(prov_id, HOLES, blocks={"holes": block(times, **columns)})


def hole(from_time, until_time, feed=THERMO, **more):
    return {
        "feed": feed,
        "agent_session": "1795328000.5",
        "first": 10,
        "last": 19,
        "count": 10,
        "from_time": float(from_time),
        "until_time": float(until_time),
        "cause": "the disk was full",
        "estimated": False,
    } | more


def write(folder, *frames, opened=OPENED):
    """Write a file into a data folder and return its path."""
    path = folder / str(opened)[:5] / f"{opened}.g3"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(frames))
    return path


def sound(folder, *frames, opened=OPENED, addresses=(THERMO,)):
    """Write a file that begins as it must."""
    return write(folder, session(), status(*addresses), *frames, opened=opened)
