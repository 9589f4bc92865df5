"""The HostManagers of a site, which on hosts of ocsd are the daemons, and what they answer."""

import argparse
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

from ocsd.base import OK
from ocsd.client.http import ControlClient, ControlClientError
from ocsd.compat.site_report import HOST_MANAGER
from ocsd.ocs_client import OCSClient
from ocsd.site.parts import HostConfig

NO_SUCH_PROCEDURE = "wamp.error.no_such_procedure"


def bridge_problem(args: argparse.Namespace) -> str:
    """Return what is wrong with the router's call bridge; empty if it answers.

    Parameters
    ----------
    args : argparse.Namespace
        The site options, with the values of the site file.
    """
    # Nobody has this address: the router's refusal shows that it is there.
    client = ControlClient(f"{args.address_root}._crossbar_check_", args.site_http)
    try:
        client.get_api()
    except ControlClientError as error:
        if error.error != NO_SUCH_PROCEDURE:
            return f"http bridge not found at {args.site_http}: {error.reason or error}"
    return ""


@dataclass(frozen=True)
class Manager:
    """One HostManager, as it was when it was asked."""

    instance_id: str
    client: Any
    """An `OCSClient`; None if nobody answers there."""

    @classmethod
    def connected(cls, instance_id: str, args: argparse.Namespace) -> "Manager":
        """Connect to the HostManager of this name."""
        try:
            return cls(instance_id, OCSClient(instance_id, args=args))
        except ControlClientError:
            return cls(instance_id, None)

    def children(self) -> list[dict[str, Any]] | None:
        """Return the states of its agents; None if its process does not run.

        Raises
        ------
        ControlClientError
            If it has gone since it was connected.
        """
        if self.client is None:
            return None
        session = self.client.manager.status().session
        if session.get("status") != "running":
            return None
        return list(session["data"].get("child_states", []))

    def reload(self) -> bool:
        """Have it read its site file again; return whether it could."""
        if self.client is None:
            return False
        reply = self.client.update(reload_config=True)
        return reply.status == OK and bool(reply.session["success"])

    def request(self, target: str, names: Sequence[str]) -> str:
        """Ask for agents to be up or down.

        Returns
        -------
        str
            The reason why it was refused; empty if it was not.

        Raises
        ------
        ControlClientError
            If it has gone since it was connected.
        """
        if self.client is None:
            return f"HostManager {self.instance_id} does not answer; is ocsd running on its host?"
        requests = [(name, target) for name in names]
        children = self.children()
        if children is None:
            # As in OCS: what is not asked for stays down.
            reply = self.client.manager.start(requests=[("all", "down"), *requests])
        else:
            known = {"all", *(child["instance_id"] for child in children)}
            unknown = not known.issuperset(names)
            reply = self.client.update(requests=requests, reload_config=unknown)
        if reply.status != OK:
            return str(reply.msg)
        if reply.session.get("success") is False:
            return str(reply.session["messages"][-1][1])
        return ""


def manager_ids(host: HostConfig) -> list[str]:
    """Return the instance-ids of a host's HostManagers: a daemon without an entry has its own."""
    listed = [
        str(entry["instance-id"])
        for entry in host.instances
        if entry.get("agent-class") == HOST_MANAGER
    ]
    return listed or [f"hm-{host.name}"]


def refuse_without_site(parser: argparse.ArgumentParser, args: argparse.Namespace) -> None:
    """End a program of hosts that is told to use no site file."""
    if args.site == "none":
        parser.error("a host needs a site file: leave --site=none out, or give --site-file")


def become_ocsd(parser: argparse.ArgumentParser, words: Sequence[str]) -> NoReturn:
    """Go on as the command of ocsd that a program of OCS stands for, and say which that is."""
    print(f"{parser.prog}: this is: ocsd {' '.join(words)}", flush=True)  # noqa: T201 - a command
    os.execv(sys.executable, [sys.executable, "-m", "ocsd", *words])
