"""The facts about a site that the guard in the router's process needs from the daemon."""

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

GUARD_FILE: Final = "guard.json"
"""Name of the file with the facts, in the router's folder."""

GUARD_VARIABLE: Final = "OCSD_ROUTER_GUARD"
"""Variable of the router's processes: path of the file; a router without it has no guard."""

_YOUNGER_KEYS: Final = ("leaves", "site_hub")


@dataclass(frozen=True, slots=True)
class GuardFacts:
    """The facts; no secret is among them."""

    store: str
    """Folder of the site's keys and people (`ocsd.access.store`)."""
    host: str
    """The hub's host."""
    realm: str
    address_root: str
    ws_path: str
    """Path of the WebSocket, without slashes, e.g. ``ws``."""
    call_path: str
    """Path of the bridge for calls over HTTP, e.g. ``call``."""
    is_closed: bool
    """Whether nobody joins without a login."""
    homes: Mapping[str, str] = field(default_factory=dict)
    """The host of each instance of the site file."""
    directors: tuple[str, ...] = ()
    """Instance-ids of the site's access directors."""
    leaves: tuple[str, ...] = ()
    """The hosts with a router of their own."""
    site_hub: str = ""
    """On such a host: the host of the site's router. `host` is then this one."""
    notify_socket: str = ""
    """Takes reports for the audit journal. It is no variable of the router's processes, because
    crossbar would report its readiness there before its ports are open."""

    def write(self, folder: Path) -> Path:
        """Write them into the router's folder, at once or not at all; return the file."""
        path = folder / GUARD_FILE
        new = path.with_suffix(".new")
        told = dataclasses.asdict(self)
        for name in _YOUNGER_KEYS:
            # The router of an earlier release, which may go on after an upgrade, knows them not.
            if not told[name]:
                del told[name]
        new.write_text(json.dumps(told, indent=2) + "\n", encoding="utf-8")
        new.replace(path)
        return path


def read(path: Path) -> GuardFacts:
    """Return the facts of a file.

    Raises
    ------
    OSError, ValueError, TypeError
        If it cannot be read or is another program's.
    """
    content = json.loads(path.read_text(encoding="utf-8"))
    listed = {key: tuple(content[key]) for key in ("directors", "leaves") if key in content}
    return GuardFacts(**{**content, **listed})


def guard_file() -> Path | None:
    """Return the file with the facts for this process, if it is a router with a guard."""
    path = os.environ.get(GUARD_VARIABLE)
    return Path(path) if path else None


def site_realm() -> str:
    """Return the realm that is guarded; crossbar has another one, for itself."""
    file = guard_file()
    return read(file).realm if file else ""
