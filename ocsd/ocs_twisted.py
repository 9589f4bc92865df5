"""For agent authors: locks, sampling rates and threads."""

from ocsd.agent.operations.lock import TimeoutLock
from ocsd.agent.operations.pacemaker import Pacemaker, dsleep
from ocsd.reactor.threads import in_reactor_context

__all__ = ["Pacemaker", "TimeoutLock", "dsleep", "in_reactor_context"]
