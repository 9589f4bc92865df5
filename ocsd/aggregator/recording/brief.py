"""The recording in one line for the supervisor: ``X_RECORDING``, a JSON object."""

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from ocsd.aggregator.numbers.hole import HOLES_FEED_NAME, Hole

DAY_S: Final = 86400.0
LONGEST_TROUBLE: Final = 300


def holes_since(holes: Iterable[Hole], at: float) -> dict[str, int]:
    """Return how many holes end after a Unix time [s], in how many feeds, and their messages."""
    recent = [hole for hole in holes if hole.until_time >= at]
    return {
        "holes": len(recent),
        "feeds": len({hole.feed for hole in recent}),
        "messages": sum(hole.count for hole in recent),
    }


def disk_room(folder: Path) -> dict[str, int]:
    """Return the free and the whole size of the disk of a folder [bytes]; nothing if unknown."""
    with suppress(OSError):
        disk = os.statvfs(folder)
        return {
            "disk_free_bytes": disk.f_bavail * disk.f_frsize,
            # As df counts: what is kept for root is not there.
            "disk_total_bytes": (disk.f_blocks - disk.f_bfree + disk.f_bavail) * disk.f_frsize,
        }
    return {}


def brief(
    session: Any,
    now_at: float,
    begins: bool = False,
    obstacle: str = "",
    share: Mapping[str, Any] = MappingProxyType({}),
) -> str:
    """Return the text for the present run of ``record``, at a Unix time [s].

    Without a run that has data, nothing is recorded, unless one `begins`. It may have to wait
    because of an `obstacle`. `share` says whose feeds are recorded here, and where others are.
    """
    data: Mapping[str, Any] = session and session.data
    if not data and obstacle:
        trouble = obstacle[:LONGEST_TROUBLE]
        return json.dumps({"recording": True, "paused": True, "trouble": trouble})
    if not data:
        return json.dumps({"recording": begins})
    # The holes are the recorder's own feed, of which silence is the best news.
    providers = {
        address: provider
        for address, provider in data["providers"].items()
        if not address.endswith(f".feeds.{HOLES_FEED_NAME}")
    }
    newest_at = max((each["last_refresh"] for each in providers.values()), default=None)
    facts = {
        "recording": True,
        "paused": data["paused"],
        "trouble": (data["trouble"] or "")[:LONGEST_TROUBLE],
        "feeds": sum(not each["stale"] for each in providers.values()),
        "stale": sum(each["stale"] for each in providers.values()),
        "file": data["current_file"],
        "lost_last_day": data["lost_last_day"],
        **data["disk"],
        **share,
    }
    if newest_at is not None:
        facts["age_s"] = round(max(0.0, now_at - newest_at), 1)
    return json.dumps(facts, separators=(",", ":"))
