"""The settings that the daemon passes to a process that it starts.

A process with a launch never reads the site file. The daemon has read it, and a file
that was edited since must not give half of the site other addresses.
"""

from pydantic import BaseModel, ConfigDict

from ocsd.site.model import Hub, Instance


class Launch(BaseModel):
    """The settings of one agent's process."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    site_file: str | None
    host: str
    hub: Hub
    """With the host's overrides applied."""
    instance: Instance
    agent_paths: tuple[str, ...] = ()
    log_dir: str | None = None
    working_dir: str
    router_socket: str | None = None
    """Unix raw socket of the router on this machine."""
    force_register: bool = False
    """Take over the addresses of the predecessor, which is certainly dead."""
    crossbar_timeout: float | None = None


LAUNCH_VARIABLE = "OCSD_LAUNCH"
"""Environment variable that hands a launch, as JSON, to a new interpreter."""


_current: Launch | None = None


def set_current(launch: Launch | None) -> None:
    """Set the launch of this process."""
    global _current
    _current = launch


def current() -> Launch | None:
    """Return the launch of this process; None if it was started by hand."""
    return _current
