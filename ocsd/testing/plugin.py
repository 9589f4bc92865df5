"""The pytest plug-in of ocsd: the fixture `ocsd_router` and the option ``--ocsd-agent``.

Every run of pytest on a machine that has ocsd imports this module, so it imports
almost nothing itself and never a Twisted reactor.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SUITE = Path(__file__).with_name("conformance.py")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    group = parser.getgroup("ocsd", "agents for the Observatory Control System")
    group.addoption(
        "--ocsd-agent",
        action="append",
        default=[],
        metavar="AGENT",
        help="put an agent through ocsd's conformance suite: its class, path/to/agent.py or "
        "module:main; may be given several times",
    )
    group.addoption(
        "--ocsd-agent-args",
        default="",
        metavar="WORDS",
        help="arguments that the agents of --ocsd-agent need, in one word",
    )
    group.addoption(
        "--ocsd-agent-no-simulator",
        action="store_true",
        help="leave out a simulator.py beside the agent, and the checks of its device",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Put the conformance suite among what is to be run, if an agent is given."""
    if not config.option.ocsd_agent:
        return
    from ocsd.errors import OcsdError
    from ocsd.testing import subject

    words, simulated = config.option.ocsd_agent_args, not config.option.ocsd_agent_no_simulator
    try:
        subjects = [subject.find(name, words, simulated) for name in config.option.ocsd_agent]
    except (OcsdError, ValueError) as error:
        raise pytest.UsageError(f"--ocsd-agent: {error}") from None
    config.stash[subject.SUBJECTS] = subjects
    # An agent alone means the suite alone, not the tests of this folder as well.
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        config.args.clear()
    config.args.append(str(SUITE))


def pytest_unconfigure() -> None:
    """End the router that the tests shared, if there was one."""
    router: Any = sys.modules.get("ocsd.testing.router")
    if router is not None:
        router.close_shared()


@pytest.fixture
def ocsd_router() -> Iterator[Any]:
    """Return a running router, a `LocalRouter`, which all tests share."""
    from ocsd.testing.router import shared_router

    router = shared_router()
    yield router
    # For the next test, whatever this one has done to it.
    router.start()
    router.resume()
