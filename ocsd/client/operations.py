"""An agent's operations as attributes of an object."""

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from ocsd.base import OK
from ocsd.client.control import get_control_client
from ocsd.client.http import ControlClient
from ocsd.client.passwords import credentials_for
from ocsd.client.reply import OCSReply
from ocsd.client.waiting import run_of
from ocsd.text.nearest import did_you_mean


class _Operation:
    """The requests that tasks and processes have in common."""

    def __init__(self, client: ControlClient, name: str, credentials: dict[str, Any]) -> None:
        self._client = client
        self._name = name
        self._credentials = credentials

    def start(self, **params: Any) -> OCSReply:
        """Start it, with these parameters."""
        return self._asked("start", params)

    def wait(self, timeout: float | None = None) -> OCSReply:
        """Wait until it has ended.

        Parameters
        ----------
        timeout : float, optional
            Time limit [s]; None waits for ever, negative not at all.

        Raises
        ------
        ControlClientError
            If the agent or the router does not answer.
        """
        return OCSReply(*self._client.wait(self._name, timeout, **self._credentials))

    def status(self) -> OCSReply:
        """Return its latest session."""
        return self._asked("status")

    def _asked(self, action: str, params: dict[str, Any] | None = None) -> OCSReply:
        return OCSReply(
            *self._client.request(action, self._name, params=params or {}, **self._credentials)
        )


class TaskObject(_Operation):
    """A task of an agent: an operation that ends by itself. Call it to run it."""

    def abort(self) -> OCSReply:
        """Ask it to end early."""
        return self._asked("abort")

    def __call__(self, **params: Any) -> OCSReply:
        """Start it and, if that succeeds, wait for the end of that very run.

        Raises
        ------
        ControlClientError
            If the agent or the router does not answer.
        """
        started = self.start(**params)
        if started.status != OK:
            return started
        run = run_of(started.session)
        return OCSReply(*self._client.wait(self._name, run=run, **self._credentials))


class ProcessObject(_Operation):
    """A process of an agent: an operation that runs until stopped. Call it for its status."""

    def stop(self) -> OCSReply:
        """Ask it to end."""
        return self._asked("stop")

    def __call__(self) -> OCSReply:
        """Return its latest session."""
        return self.status()


class OCSClient:
    """An agent's operations, one attribute each; ``-`` and space in a name become ``_``.

    Parameters
    ----------
    instance_id : str
        The agent: its instance-id or its whole address.
    privs : str or int, optional
        A password to send with each request; or a credential level from 1 to 3, for which
        the password is taken from the user's file (`ocsd.client.passwords`).
    args : sequence of str or argparse.Namespace, optional
        As for `ocsd.site_config.get_control_client`; by default ``[]``, because the
        words of the script are its own.
    **kwargs
        Other arguments of `ocsd.site_config.get_control_client`, e.g. `site`.

    Attributes
    ----------
    instance_id : str
        As given.

    Raises
    ------
    ControlClientError
        If there is no router or no such agent, or it does not answer.
    ConfigurationError
        If there is no site file that says where the router is, or the file of passwords
        cannot be used.
    ValueError
        If `privs` is something else.

    Examples
    --------
    >>> client = OCSClient('fake-data1')
    >>> client.delay_task(delay=5)
    >>> client.acq.start()
    """

    def __init__(
        self,
        instance_id: str,
        privs: str | int | None = None,
        args: Sequence[str] | argparse.Namespace | None = None,
        **kwargs: Any,
    ) -> None:
        if args is None:
            args = []
        self._client = get_control_client(instance_id, args=args, **kwargs)
        self.instance_id = instance_id
        self._api = self._client.get_api()
        credentials = credentials_for(self._client, self._api, privs, instance_id)
        kinds: dict[str, type[_Operation]] = {"tasks": TaskObject, "processes": ProcessObject}
        for key, kind in kinds.items():
            for name, _, op_info in self._api[key]:
                documented = _documented(kind, op_info.get("docstring"))
                attribute = name.replace("-", "_").replace(" ", "_")
                setattr(self, attribute, documented(self._client, name, credentials))

    def __getattr__(self, name: str) -> Any:
        # Called for a missing attribute. Python itself asks for names with an underscore,
        # also of an object that is only half made.
        text = f"agent {self.__dict__.get('instance_id')!r} has no operation {name!r}"
        if not name.startswith("_"):
            text += did_you_mean(name, vars(self))
        raise AttributeError(text)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.instance_id!r})"


def _documented(kind: type[_Operation], docstring: str | None) -> Callable[..., _Operation]:
    """Return a class like `kind`, with the operation's docstring where help() looks."""
    if not docstring:
        return kind

    def start(self: _Operation, **params: Any) -> OCSReply:
        return _Operation.start(self, **params)

    start.__doc__ = docstring
    return type(kind.__name__, (kind,), {"__doc__": docstring, "start": start})
