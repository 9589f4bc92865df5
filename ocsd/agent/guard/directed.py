"""The rules of an agent that an access director tells it, and keeps telling it.

They arrive on the director's feed ``controls`` (docs/reference/wire.md, "Access control"). The
agent keeps them on the disk, for a life that begins while the director is away.
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from ocsd.access import private_files
from ocsd.access.controls import Controls, from_kept, kept
from ocsd.access.level_rules import credentials
from ocsd.access.levels import CredLevel, GrantedLevel
from ocsd.access.roles import Role
from ocsd.agent.guard.passwords import target_of
from ocsd.errors import OcsdError

KEPT_RULES: Final = ".access/rules.json"
"""The file of the last rules, in the agent's own folder."""

_OTHERS: Final = frozenset(Role) - {Role.DIRECTOR, Role.OCS, Role.BRIDGE}
"""Roles that only the router of a closed site gives, and not to a director."""


class DirectedRules:
    """The rules that the director `director` has told last.

    Parameters
    ----------
    agent : OCSAgent
        The agent.
    director : str
        Instance-id of the director.
    data : dict
        ``access_control`` of get_api, which shows each update.
    closed : bool
        Whether the site is closed: then only the role of a director counts.
    folder : Path, optional
        The folder in which the agent keeps the rules; None keeps them in memory.
    clock : callable
        Returns the Unix time [s].
    """

    def __init__(
        self,
        agent: Any,
        director: str,
        data: dict[str, Any],
        closed: bool,
        folder: Path | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._agent = agent
        self._address = f"{agent.site_args.address_root}.{director}"
        self._data = data
        data["director"] = director
        self._closed = closed
        self._clock = clock
        self._target = target_of(agent)
        self._file = folder and folder / KEPT_RULES
        self._controls = self._read()
        agent.subscribe_on_start(
            self.take, f"{self._address}.feeds.controls", options={"details": True}
        )

    def credentials(self, password: str, identity: CredLevel | None) -> GrantedLevel:
        """Return the level of a client with a password, and with the level of its role."""
        return credentials(self._controls.rules, self._target, password, identity)

    def poll(self, link: Any) -> None:
        """Ask the director for the rules; they come on its feed."""

        def failed(failure: Any) -> None:
            text = "the access director {director} does not answer ({why}); {so}"
            why = getattr(failure.value, "error", None) or failure.value
            so = "the last rules stay in force until it tells others"
            self._agent.log.warn(text, director=self._address, why=why, so=so)

        who = {"instance_id": self._target.instance_id, "agent_class": self._target.agent_class}
        link.call(f"{self._address}.agent_poll", **who).addErrback(failed)

    def take(self, pair: Any, *_more: Any, details: Any = None) -> None:
        """Take in a message of the director; one that is not right changes nothing."""
        try:
            self._check_publisher(details)
            message, feed_info = pair
            controls = self._controls.after(message, feed_info, self._target.instance_id)
        except (ValueError, TypeError) as error:
            text = "a message on {topic}.feeds.controls is ignored, because {why}"
            self._agent.log.error(text, topic=self._address, why=error)
            return
        if controls is self._controls:
            return
        news = controls.rules != self._controls.rules
        self._controls = controls
        self._data.update(
            update_timestamp=self._clock(), update_count=controls.updates, step=controls.step
        )
        if news:
            self._agent.log.info(
                "the access director has told new rules, step {step}", step=controls.step
            )
            self._write()

    def _check_publisher(self, details: Any) -> None:
        """Refuse a message of anybody but the director, where the router tells the publisher.

        Raises
        ------
        ValueError
            If somebody else has published it.
        """
        role = getattr(details, "publisher_authrole", None) or ""
        if role == Role.DIRECTOR or not (self._closed or role in _OTHERS):
            return
        authid = getattr(details, "publisher_authid", None)
        raise ValueError(
            f"its publisher has the role {role!r}, not {str(Role.DIRECTOR)!r}: {authid}"
        )

    def _read(self) -> Controls:
        """Return the rules that an earlier life has kept; without them nothing is allowed."""
        if self._file is None or not self._file.exists():
            return Controls()
        try:
            controls = from_kept(json.loads(private_files.read(self._file)))
        except (OcsdError, OSError, ValueError) as error:
            text = "the kept rules of access cannot be used: {why}"
            self._agent.log.error(text, why=error)
            return Controls()
        self._agent.log.info(
            "the last rules of access are in force until the director tells others"
        )
        return controls

    def _write(self) -> None:
        if self._file is None:
            return
        try:
            private_files.make_folder(self._file.parent)
            private_files.write(self._file, json.dumps(kept(self._controls)).encode())
        except (OcsdError, OSError) as error:
            text = "cannot keep the rules of access over a restart: {why}"
            self._agent.log.warn(text, why=error)
