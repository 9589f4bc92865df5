"""The settings that the daemon passes to a process that it starts.

A process with a launch never reads the site file. The daemon has read it, and a file
that was edited since must not give half of the site other addresses. The daemon makes it of
models of the site file; the process itself has it as values (`ocsd.site.values.told`).
"""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from ocsd.site.model import Hub, Instance
from ocsd.site.values.told import ToldLaunch
from ocsd.system.entrance import Entrance

_OF_THE_DAEMON: Final = {"hub": {"take_files"}, "site_hub": {"take_files"}}
"""Keys that no process but the daemon uses."""


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
    http_socket: str | None = None
    """Its Unix socket for calls over HTTP, if the site has keys."""
    ticket: str | None = Field(default=None, repr=False)
    """The agent's proof for a router that asks for one; a secret."""
    ca_file: str | None = None
    """Certificate of the site's authority."""
    force_register: bool = False
    """Take over the addresses of the predecessor, which is certainly dead."""
    crossbar_timeout: float | None = None
    alarms: dict[str, Any] | None = None
    """The host's ``alarms``, for the process that evaluates them."""
    site_hub: Hub | None = None
    """The site's hub, for the bridge and the page of a closed site: `hub` is then the host's own
    router."""

    def encoded(self) -> dict[str, Any]:
        """Return it as JSON for the fork server.

        After an upgrade that is one of an earlier release, which refuses keys that it does not
        know: those that were added since are told only if there is something to tell.
        """
        told = self.model_dump(mode="json", exclude=_OF_THE_DAEMON)
        for name in ("alarms", "site_hub"):
            if told[name] is None:
                del told[name]
        return told

    def told(self) -> ToldLaunch:
        """Return it as its process gets to know it."""
        return ToldLaunch.of(self.encoded())

    @property
    def entrance(self) -> Entrance:
        """The agent's way into the router."""
        return self.told().entrance
