"""`ocsd run`: run one agent in the foreground, for its author."""

import json
import os
import sys
from typing import TYPE_CHECKING

import click

from ocsd.cli import rerun
from ocsd.cli.arguments import completion, options
from ocsd.cli.become import become
from ocsd.cli.talk import control
from ocsd.errors import InstanceRunsError, NoSuchInstanceError, UsageError
from ocsd.text.reason import clause

if TYPE_CHECKING:
    from ocsd.site.model import Host, Hub, Instance, Site

# States in which a daemon neither runs an instance nor will start it by itself.
_AT_REST = ("down", "failed")


@options.command(
    "ocsd run fake-data1                # its log here; Ctrl-C ends it",
    "ocsd run fake-data1 --reload       # starts it again whenever its code is saved",
    "ocsd run fake-data1 -- --mode idle # arguments on top of the site file's",
    "ocsd run ./agent.py -- --site=none --instance-id=try1",
)
@click.argument("name", metavar="NAME|FILE.py", shell_complete=completion.site_instances)
@click.argument("words", metavar="[-- ARGS]...", nargs=-1, type=click.UNPROCESSED)
@options.site_file_option
@options.host_entry_option
@click.option("--reload", "reloads", is_flag=True, help="Restart it when its code is saved.")
def run(
    name: str, words: tuple[str, ...], site_file: str | None, host: str | None, reloads: bool
) -> int:
    """Run one agent of the site in the foreground, for its author.

    In it, `import ocs` imports ocsd. It needs a router, but no daemon. ARGS go to the
    agent and override those of the site file. A FILE.py needs no entry in a site file.
    """
    # -P: a module in the working directory must not be taken for a library.
    command = [sys.executable, "-P", "-m", "ocsd.forkserver.foreground", name, *words]
    environment = dict(os.environ)
    # systemd supervises this process, not the agent.
    environment.pop("NOTIFY_SOCKET", None)
    if not name.endswith(".py"):
        variable, value = _launch(name, site_file, host)
        environment[variable] = value
    if reloads:
        return rerun.run(name, command, environment)
    return become(command, environment, handles=False)


def _launch(instance_id: str, site_file: str | None, host_name: str | None) -> tuple[str, str]:
    """Return the environment variable that describes the agent's site, and its value."""
    # pydantic and yaml take longer to load than all of `ocsd status`.
    from ocsd.router import local
    from ocsd.site import load
    from ocsd.site.launch import Launch
    from ocsd.site.values.told import LAUNCH_VARIABLE

    if host_name is None:
        site_file, host_name = _of_daemon(instance_id, site_file)
    site = load.load(load.find(site_file))
    for warning in site.warnings:
        print(f"ocsd: warning: {warning}", file=sys.stderr)
    host = load.pick_host(site, host_name)
    instance = _instance(instance_id, site, host)
    if instance.runtime == "ocs":
        python = instance.python or sys.executable
        raise UsageError(
            f"{instance_id!r} has 'runtime: ocs', so it is not run on ocsd; run it with {python} "
            f"-m ocs.agent_cli --site-file {site.path} --site-host {host.name} "
            f"--instance-id {instance_id}"
        )
    _refuse_if_running(instance_id, host.name)
    hub = host.hub(site.hub)
    socket = local.find(hub)
    ticket, ca_file = _proof(instance_id, host, hub)
    launch = Launch(
        site_file=site.path,
        host=host.name,
        hub=hub,
        instance=instance,
        agent_paths=host.agent_paths,
        log_dir=host.log_dir,
        working_dir=os.getcwd(),
        router_socket=None if socket is None else str(socket),
        ticket=ticket,
        ca_file=ca_file,
        crossbar_timeout=host.crossbar_timeout,
    )
    return LAUNCH_VARIABLE, json.dumps(launch.encoded())


def _proof(instance_id: str, host: "Host", hub: "Hub") -> tuple[str | None, str | None]:
    """Return the agent's ticket and the authority to trust, if the router takes logins.

    Whoever may not read the keys of this host runs the agent without.
    """
    if hub.tls_url is None:
        return None, None
    from ocsd.access import entrance
    from ocsd.access.store import AccessStore
    from ocsd.access.tickets import Login
    from ocsd.errors import OcsdError
    from ocsd.system import paths

    store = AccessStore(paths.of_host(host.name).access)
    try:
        ticket = entrance.of_program(store, Login(instance_id, host.name)).secret
    except OcsdError as error:
        print(f"ocsd: warning: {error}", file=sys.stderr)
        return None, None
    return ticket, str(store.authority_file)


def _of_daemon(instance_id: str, site_file: str | None) -> tuple[str | None, str | None]:
    """Return site file and host of the daemon here that lists an instance.

    The host is None, and the site file as given, if there is no such daemon or more than one.
    """
    found = []
    for daemon in control.find_all():
        status = daemon.status()
        file = status.get("site_file")
        rows = (*status.get("instances", ()), *status.get("not_managed", ()))
        if _is_meant(site_file, file) and instance_id in [each["instance_id"] for each in rows]:
            found.append((file, daemon.host))
    if len(found) != 1:
        return site_file, None
    return found[0]


def _is_meant(given: str | None, file: str | None) -> bool:
    """Whether a daemon's site file is the one that a command names; it need not name one."""
    from ocsd.site import load

    if given is None and os.environ.get("OCS_CONFIG_DIR"):
        given = str(load.find())
    return file is not None and (given is None or os.path.realpath(given) == os.path.realpath(file))


def _instance(instance_id: str, site: "Site", host: "Host") -> "Instance":
    from ocsd.text.nearest import nearest_or_all

    for instance in host.instances:
        if instance.instance_id == instance_id:
            return instance
    listed = [instance.instance_id for instance in host.instances]
    near = nearest_or_all(instance_id, listed)
    raise NoSuchInstanceError(
        f"host {host.name!r} in {site.path} has no instance {instance_id!r}{near}"
    )


def _refuse_if_running(instance_id: str, host: str) -> None:
    for daemon in control.find_all():
        if daemon.host != host:
            continue
        for row in daemon.status().get("instances", ()):
            if row.get("instance_id") == instance_id and row.get("state") not in _AT_REST:
                at = clause("pid ", str(row.get("pid") or "")) or row.get("state")
                raise InstanceRunsError(
                    f"{instance_id!r} is run by the daemon of host {host!r} already ({at}); end "
                    f"it there first: ocsd down {instance_id}"
                )
