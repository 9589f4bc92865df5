"""For agent authors: locks, sampling rates and threads."""

from ocsd.agent.lock import TimeoutLock
from ocsd.agent.pacemaker import Pacemaker
from ocsd.agent.threads import in_reactor_context

__all__ = ["Pacemaker", "TimeoutLock", "in_reactor_context"]
