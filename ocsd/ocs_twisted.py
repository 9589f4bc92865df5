"""For agent authors: locks, sampling rates and threads."""

from ocsd.agent.lock import TimeoutLock
from ocsd.agent.pacemaker import Pacemaker, dsleep
from ocsd.agent.threads import in_reactor_context

__all__ = ["Pacemaker", "TimeoutLock", "dsleep", "in_reactor_context"]
