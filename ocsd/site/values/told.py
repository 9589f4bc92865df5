"""The settings that the daemon told this process: a `Launch`, as values.

They are checked already: the daemon has read the site file, and an agent neither reads it nor
loads pydantic, which would take a quarter of what it loads.
"""

import argparse
from collections.abc import Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from functools import cache
from typing import Any, Final, Self

from ocsd.site.values.hub import ToldHub
from ocsd.site.values.instance import ToldInstance, ToldLimits
from ocsd.system import entrance
from ocsd.system.classes import BRIDGE_CLASS
from ocsd.system.entrance import Credentials, Entrance

LAUNCH_VARIABLE: Final = "OCSD_LAUNCH"
"""Environment variable that hands a launch, as JSON, to a new interpreter."""

CONTROL: Final = "*control*"
"""In place of an agent class: a client, which needs neither host nor instance."""
HOST: Final = "*host*"
"""In place of an agent class: a program that needs only its host."""


@dataclass(frozen=True)
class ToldLaunch:
    """The settings of this process (`ocsd.site.launch.Launch`)."""

    site_file: str | None
    host: str
    hub: ToldHub
    instance: ToldInstance
    working_dir: str
    agent_paths: tuple[str, ...] = ()
    log_dir: str | None = None
    router_socket: str | None = None
    http_socket: str | None = None
    ticket: str | None = field(default=None, repr=False)
    ca_file: str | None = None
    force_register: bool = False
    crossbar_timeout: float | None = None
    alarms: dict[str, Any] | None = None
    site_hub: ToldHub | None = None

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Self:
        """Return the values of a launch.

        Parameters
        ----------
        told : mapping
            What `Launch.encoded` has returned.

        Raises
        ------
        ValueError
            If it has a key that this release does not know, or lacks one.
        """
        site_hub = told.get("site_hub")
        instance = _values(ToldInstance, told.get("instance", {}))
        limits = ToldLimits(**_values(ToldLimits, instance.get("limits", {})))
        values = _values(cls, told)
        values["hub"] = ToldHub(**_values(ToldHub, values["hub"]))
        values["instance"] = ToldInstance(**instance | {"limits": limits})
        values["site_hub"] = site_hub and ToldHub(**_values(ToldHub, site_hub))
        return cls(**values)

    def as_json(self) -> dict[str, Any]:
        """Return what `of` makes the same values of."""
        return asdict(self)

    @property
    def entrance(self) -> Entrance:
        """The agent's way into the router."""
        credentials = None
        if self.ticket is not None:
            # A bridge speaks for all of its host.
            is_bridge = self.instance.agent_class == BRIDGE_CLASS
            name = "" if is_bridge else self.instance.instance_id
            credentials = Credentials(f"{name}@{self.host}", self.ticket)
        return Entrance(credentials, self.ca_file, self.router_socket, self.http_socket)

    def is_meant(self, args: argparse.Namespace) -> bool:
        """Whether a program's arguments name no other site than its own."""
        # After parse_args, site_file is the launch's own.
        return args.site is None and args.site_file in {None, self.site_file}


def _values(cls: type[Any], told: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of a class; JSON has lists in place of tuples."""
    names, needed = _names(cls)  # type: ignore[arg-type] # mypy takes no class for hashable
    if unknown := ", ".join(sorted(told.keys() - names)):
        raise ValueError(
            f"the daemon told {unknown}, which this release of ocsd does not know; "
            "`ocsd stop` and `ocsd start` bring both to the same release"
        )
    if missing := ", ".join(sorted(needed - told.keys())):
        raise ValueError(f"the daemon did not tell {missing}")
    return {name: tuple(value) if type(value) is list else value for name, value in told.items()}


@cache
def _names(cls: type[Any]) -> tuple[frozenset[str], frozenset[str]]:
    """Return the names of a class's values, and of those that it must be told."""
    known = fields(cls)
    needed = (each.name for each in known if _is_needed(each))
    return frozenset(each.name for each in known), frozenset(needed)


def _is_needed(each: Field[Any]) -> bool:
    return each.default is MISSING and each.default_factory is MISSING


_current: ToldLaunch | None = None


def set_current(launch: ToldLaunch | None) -> None:
    """Set the launch of this process."""
    global _current
    _current = launch


def be_told(launch: ToldLaunch) -> None:
    """Set the launch of this process, which is the agent's alone, and its way into the router."""
    set_current(launch)
    if launch.ticket is not None:
        entrance.set_own(launch.entrance)


def current() -> ToldLaunch | None:
    """Return the launch of this process; None if it was started by hand."""
    return _current
