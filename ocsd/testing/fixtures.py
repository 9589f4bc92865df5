"""Makers of pytest fixtures, under the names that OCS gives them.

A test module written with them for OCS runs as it is. The router needs no Docker and is
shared by all tests of a run. Agents and clients use it whatever address the site file of
the tests has.
"""

import os
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml

from ocsd.ocs_client import OCSClient
from ocsd.testing.agent_process import RunningProgram, python
from ocsd.testing.patience import wait_until
from ocsd.testing.router import LocalRouter, shared_router

SITE_FILE = "default.yaml"
READY_LIMIT_S = 10.0
"""The fixture waits at most this long for an agent to join; then the test goes on, as in OCS."""
SIGINT_TIMEOUT = 10.0
"""An agent has to end within this time of SIGINT [s]."""


class _AgentRunner:
    """One agent of a test, under the name that tests for OCS know.

    Parameters
    ----------
    agent_path, agent_name, args, kill_to_exit
        As for `create_agent_runner_fixture`.
    measured : sequence of str
        Words that run a program under coverage.

    Attributes
    ----------
    cmd : list of str
        The command line; it may be changed before `run`.
    env : dict of str to str
        The environment; the same.
    agent_name : str
        As given.
    proc : RunningProgram or None
        The agent, once `run` was called.
    """

    def __init__(
        self,
        agent_path: str,
        agent_name: str,
        args: Sequence[str] | None,
        kill_to_exit: bool = False,
        measured: Sequence[str] = (),
    ) -> None:
        site = ["--site", "none"]
        if Path(SITE_FILE).exists():
            site = ["--site-file", f"./{SITE_FILE}"]
        self.agent_name = agent_name
        self.cmd = [*python(), *measured, agent_path, *site, *(args or ())]
        self.env = {**os.environ, **site_router().environment, "OCS_CONFIG_DIR": os.getcwd()}
        self.proc: RunningProgram | None = None
        self._kill_to_exit = kill_to_exit
        self._timeout_s = 0.0
        self._limit: threading.Timer | None = None
        self._is_closed = False

    def run(self, timeout: float) -> None:
        """Start the agent and wait until it has joined, for `READY_LIMIT_S` at most.

        Parameters
        ----------
        timeout : float
            Kill the agent after this time [s].

        Raises
        ------
        RuntimeError
            If it ends with an error.
        """
        self._timeout_s = timeout
        self.proc = RunningProgram(self.cmd, self.env)
        self._limit = threading.Timer(timeout, self.proc.kill)
        self._limit.start()
        try:
            self.proc.wait_until_ready(min(READY_LIMIT_S, timeout))
            _check_it_lives(self.proc, self.agent_name, "when it was started")
        except BaseException:
            self.close()
            raise

    def shutdown(self) -> None:
        """End the agent.

        Raises
        ------
        RuntimeError
            If it has ended with an error before, or does not end.
        """
        if self.proc is None:
            return
        try:
            when = f"within the test (limit: {self._timeout_s} s)"
            _check_it_lives(self.proc, self.agent_name, when)
            _end(self.proc, self.agent_name, self._kill_to_exit)
        finally:
            self.close()

    def close(self) -> None:
        """Kill the agent if it still runs, and forget its output."""
        if self._limit is not None:
            self._limit.cancel()
        if self.proc is not None and not self._is_closed:
            self._is_closed = True
            self.proc.close()


def create_agent_runner_fixture(
    agent_path: str,
    agent_name: str,
    args: Sequence[str] | None = None,
    timeout: float = 60,
    kill_to_exit: bool = False,
) -> Any:
    """Make a fixture that runs an agent as a program of its own.

    Parameters
    ----------
    agent_path : str
        The agent's file, relative to the folder that pytest runs in.
    agent_name : str
        A name for messages.
    args : sequence of str, optional
        Arguments in addition to those of the site file `default.yaml`, which is used
        if it is in that folder. Without one, give at least ``--instance-id``.
    timeout : float
        Kill the agent after this time [s].
    kill_to_exit : bool
        End the agent by SIGKILL in place of SIGINT.

    Returns
    -------
    fixture
        Its value is the `RunningProgram`.
    """

    @pytest.fixture
    def run_agent(request: pytest.FixtureRequest) -> Iterator[RunningProgram | None]:
        measured = _measured(request.config)
        runner = _AgentRunner(agent_path, agent_name, args, kill_to_exit, measured)
        runner.run(timeout)
        try:
            yield runner.proc
            runner.shutdown()
        finally:
            runner.close()

    return run_agent


def create_client_fixture(instance_id: str, timeout: float = 30, privs: Any = None) -> Any:
    """Make a fixture whose value is a client of one agent.

    Parameters
    ----------
    instance_id : str
        The agent.
    timeout : float
        How long to wait for the agent [s].
    privs : str or int, optional
        For `OCSClient`.
    """

    @pytest.fixture
    def client_fixture(monkeypatch: pytest.MonkeyPatch) -> Any:
        # For clients that the test itself makes.
        for name, value in site_router().environment.items():
            monkeypatch.setenv(name, value)
        monkeypatch.setenv("OCS_CONFIG_DIR", os.getcwd())
        refusals: list[RuntimeError] = []

        def connected() -> Any:
            try:
                return OCSClient(instance_id, privs=privs, args=site_router().options)
            except RuntimeError as error:
                refusals.append(error)
                return None

        client = wait_until(connected, timeout)
        if client is None:
            raise RuntimeError(
                f"no agent {instance_id!r} within {timeout} s: {refusals[-1]}"
            ) from refusals[-1]
        return client

    return client_fixture


def check_crossbar_connection(
    port: int = 18001, interval: float = 5, max_attempts: int = 6
) -> None:
    """Check that the router of the tests answers; start it if necessary.

    Parameters
    ----------
    port, interval, max_attempts
        Accepted and not used: the router is on a free port and known to answer.

    Raises
    ------
    RouterError
        If it cannot be started.
    """
    site_router()


def site_router() -> LocalRouter:
    """Return the router for the site file in this folder, if there is one, running.

    Raises
    ------
    RouterError
        If it cannot be started.
    """
    try:
        site = yaml.safe_load(Path(SITE_FILE).read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        site = {}
    hub = site.get("hub", {})
    return shared_router(
        hub.get("wamp_realm", "test_realm"), hub.get("address_root", "observatory")
    )


def _check_it_lives(agent: RunningProgram, name: str, when: str) -> None:
    if agent.exit_code:
        _show(agent, name)
        raise RuntimeError(f"agent {name} ended with code {agent.exit_code} {when}")


def _end(agent: RunningProgram, name: str, kill: bool) -> None:
    if kill:
        agent.kill()
    else:
        agent.interrupt()
    if agent.wait(SIGINT_TIMEOUT) is None:
        _show(agent, name)
        raise RuntimeError(f"agent {name} did not end within {SIGINT_TIMEOUT} s of SIGINT")
    _show(agent, name)


def _show(agent: RunningProgram, name: str) -> None:
    # pytest shows it with the test, if that fails.
    print(f"--- output of agent {name} ---\n{agent.output()}")  # noqa: T201


def _measured(config: pytest.Config) -> list[str]:
    """Return how to run a program under coverage, if pytest-cov measures these tests."""
    sources = getattr(config.option, "cov_source", None)
    if not sources:
        return []
    words = []
    named = [source for source in sources if isinstance(source, str)]
    if named:
        words.append(f"--source={','.join(named)}")
    if Path(".coveragerc").exists():
        words.append("--rcfile=./.coveragerc")
    # A data file of its own, beside pytest-cov's, which combines them at its end.
    return ["-m", "coverage", "run", "--parallel-mode", *words]
