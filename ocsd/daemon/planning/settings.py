"""The settings of a daemon: the site as its host sees it, and the launch of each instance."""

from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from ocsd.daemon.builtin.router import RouterPlan
from ocsd.daemon.instances.plan import HostPlan
from ocsd.daemon.ocs import outside
from ocsd.errors import ConfigurationError
from ocsd.forkserver.protocol import SpawnRequest
from ocsd.site import advice, machine, recording
from ocsd.site.launch import Launch
from ocsd.site.model import Hub, Instance, Site
from ocsd.supervisor.health import DEFAULT_LIVENESS, Layer, Liveness, Response
from ocsd.supervisor.policy import RestartPolicy
from ocsd.system import files
from ocsd.system.classes import ALARMS_CLASS, BRIDGE_CLASS, WEB_CLASS
from ocsd.system.entrance import Credentials, Entrance
from ocsd.system.paths import RECORDED_BY_VARIABLE, HostPaths

if TYPE_CHECKING:
    from ocsd.daemon.builtin.keys import HostKeys


@dataclass(frozen=True, slots=True)
class Settings:
    """The site as this host sees it, and where the daemon keeps things."""

    site: Site
    """The whole site."""
    plan: HostPlan
    """The part of it that this host runs."""
    router: RouterPlan
    """The way in which the host gets its router."""
    paths: HostPaths
    """Where things are kept."""
    working_dir: Path
    """Working directory of the agents."""
    log: TextIO
    """The daemon's own log, open for writing."""
    fork_server_runs: bool
    """Whether an earlier daemon's fork server still runs."""
    keys: "HostKeys | None" = None
    """The keys of this host, if its router takes logins."""

    @property
    def hub(self) -> Hub:
        """The hub with this host's overrides."""
        return self.plan.host.hub(self.site.hub)

    def tell_router(self) -> None:
        """Tell the guard of this daemon's router what the site file says now."""
        if self.router.http_socket is not None and self.router.command:
            from ocsd.daemon.builtin import keys

            keys.facts_of(self.site, self.hub, self.paths).write(self.paths.router_config)

    def tell_agents(self) -> None:
        """Tell the agents of this host whose aggregator records what they publish from now on.

        Raises
        ------
        ConfigurationError
            If the file with it cannot be written.
        """
        host, name = self.plan.host, ""
        if recording.records_itself(self.site, host):
            name = host.name
            agents = "\n".join(sorted(recording.told_agents(self.site, host)))
            _tell(self.paths.recorded_agents, agents)
        _tell(self.paths.recorded_by, name)

    def warnings(self) -> list[str]:
        """Return what the site file says in vain, and what it needs and this machine lacks."""
        missing = machine.missing(self.site, self.plan.host)
        return [*self.site.warnings, *missing, *self.openness()]

    def openness(self) -> list[str]:
        """Return a warning if this host runs a router that is open to other machines."""
        if not self.plan.runs_router:
            return []
        return [*advice.openness(self.site, self.hub)]

    @property
    def entrance(self) -> Entrance:
        """The daemon's own way into the router."""
        if self.keys is None:
            return Entrance()
        http_socket = self.router.http_socket
        return Entrance(
            Credentials(f"@{self.keys.host}", self.keys.ticket()),
            self.keys.ca_file,
            http_socket=None if http_socket is None else str(http_socket),
        )

    def launch(self, instance: Instance, *, predecessor_died: bool = False) -> Launch:
        """Return the launch of an agent: all that its process gets to know.

        `predecessor_died` says whether its addresses may still be registered by a process that
        this daemon knows to be dead.
        """
        host = self.plan.host
        socket = None
        # The socket may lie in a folder that is closed to another user; the hub's address is not.
        if instance.user is None and self.router.socket is not None:
            socket = str(self.router.socket)
        http_socket = None
        ticket, ca_file = self._proof(instance)
        if socket is not None and self.router.http_socket is not None:
            http_socket = str(self.router.http_socket)
        alarms = None
        if instance.agent_class == ALARMS_CLASS:
            alarms = host.alarms
        return Launch(
            site_file=self.site.path,
            host=host.name,
            hub=self.hub,
            instance=instance,
            agent_paths=host.agent_paths,
            log_dir=host.log_dir,
            working_dir=str(self.working_dir),
            router_socket=socket,
            http_socket=http_socket,
            ticket=ticket,
            ca_file=ca_file,
            force_register=predecessor_died,
            crossbar_timeout=host.crossbar_timeout,
            alarms=alarms,
            site_hub=self._site_hub(instance),
        )

    def _proof(self, instance: Instance) -> tuple[str | None, str | None]:
        """Return the ticket of an instance, and the file with the authority's certificate."""
        if self.keys is None:
            return None, None
        name = instance.instance_id
        if instance.agent_class == BRIDGE_CLASS:
            name = ""  # it logs in as the host
        return self.keys.ticket(name), self.keys.ca_file

    def _site_hub(self, instance: Instance) -> Hub | None:
        """Return the site's hub for whoever needs it beside the host's own router."""
        if instance.agent_class == BRIDGE_CLASS:
            return self.site.hub
        is_page = instance.agent_class == WEB_CLASS
        if is_page and self.plan.host.has_own_router and self.hub.is_closed:
            return self.site.hub
        return None

    def request(self, instance: Instance, *, predecessor_died: bool) -> SpawnRequest:
        """Return the request to the fork server that starts an agent."""
        launch = self.launch(instance, predecessor_died=predecessor_died)
        if instance.user is not None:
            self.paths.admit_other_users()
        recorded_by = {}
        if recording.is_told(instance):
            recorded_by[RECORDED_BY_VARIABLE] = str(self.paths.recorded_by)
        if instance.runtime == "ocs":
            bundle_file = self.keys.bundle_file if self.keys is not None else None
            request = outside.request(launch, self.paths, bundle_file)
        else:
            request = SpawnRequest(
                instance_id=instance.instance_id,
                log_path=str(self.paths.instance_log(instance.instance_id)),
                working_dir=str(self.working_dir),
                environment={"NOTIFY_SOCKET": str(self.paths.notify_socket)},
                launch=launch.encoded(),
            )
        return replace(
            request,
            environment={**request.environment, **recorded_by, **instance.env},
            nice=instance.limits.nice,
            open_files=instance.limits.open_files,
            user=instance.user,
        )


def policy_of(instance: Instance | None) -> RestartPolicy:
    """Return the restart policy of an instance; the router's is always."""
    return RestartPolicy(instance.restart) if instance else RestartPolicy.ALWAYS


def liveness_of(instance: Instance | None) -> Liveness:
    """Return the response to the failure of each layer of an instance."""
    if instance is None:
        return DEFAULT_LIVENESS
    return {Layer(key): Response(answer) for key, answer in instance.liveness}


def _tell(path: Path, text: str) -> None:
    """Write a file for the agents of this host, if it does not say that already."""
    told = ""
    try:
        with suppress(FileNotFoundError):
            told = path.read_text()
        if told == text:
            return
        files.replace(path, text.encode())
        path.chmod(0o644)  # an agent may have a user of its own
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {path}, which tells the agents who records their feeds: "
            f"{error.strerror or error}; make room there"
        ) from error
