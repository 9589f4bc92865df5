"""What the daemon tells a process that it starts.

A process with a launch never reads the site file: the daemon has read it, and
a file that was edited since must not give half of the site other addresses.
"""

from pydantic import BaseModel, ConfigDict

from ocsd.site.model import Hub, Instance


class Launch(BaseModel):
    """Everything that an agent's process needs to know about its site."""

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
    """The predecessor is known to be dead: take its addresses over."""
    crossbar_timeout: float | None = None


LAUNCH_VARIABLE = "OCSD_LAUNCH"
"""Environment variable that hands a launch, as JSON, to a new interpreter."""


class _Process:
    launch: Launch | None = None


def set_current(launch: Launch | None) -> None:
    """Say what this process was started for."""
    _Process.launch = launch


def current() -> Launch | None:
    """Return what this process was started for; None if started by hand."""
    return _Process.launch
