"""Which thread is this, and how to reach the reactor's."""

import threading
from typing import Any

from twisted.python import threadable


def in_reactor_context() -> bool:
    """Tell whether the caller runs in the reactor's thread.

    Returns
    -------
    bool
        True in the thread that runs the reactor; before the reactor runs, True
        in the main thread.
    """
    if threadable.ioThread is None:
        return threading.current_thread() is threading.main_thread()
    return threading.get_ident() == threadable.ioThread


def the_reactor() -> Any:
    """Return the process's reactor, installing it at the first call.

    Every use goes through here, so that importing a module never installs one.
    """
    from twisted.internet import reactor

    return reactor
