"""Facts about this process that its supervisor should have: its code file, its descriptors."""

import errno
import os
import resource

from ocsd.system.notify import Delivery, notify

_code_file = ""


def set_code_file(path: str) -> Delivery:
    """Remember the file that holds the agent's code, and report it to the supervisor."""
    global _code_file
    _code_file = path
    return notify(X_CODE=path)


def code_file() -> str:
    """Return the file that holds the agent's code; empty until `set_code_file` is called."""
    return _code_file


def shortage() -> str:
    """Return a complaint if this process cannot open another file; otherwise nothing.

    Opening a file is cheap. Counting the open ones takes a descriptor and, if there are
    many, time.
    """
    try:
        os.close(os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC))
    except OSError as error:
        if error.errno != errno.EMFILE:
            return ""
        most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return f"out of descriptors ({most} of {most} are open)"
    return ""
