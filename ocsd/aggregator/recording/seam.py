"""The end of a recording whose agents have just been told that another aggregator records them."""

import os
import time
from typing import Final

from ocsd.agent.spool.recorded_by import LOOK_EVERY_S, told
from ocsd.aggregator.numbers.share import Share
from ocsd.system.paths import RECORDED_BY_VARIABLE

SEAM_S: Final = LOOK_EVERY_S + 0.5
"""Time after which no message says any more what agents were told before [s]."""


def await_seam(share: Share) -> None:
    """Wait until no agent of this host publishes anything more that only this aggregator records.

    It does not wait while they are told to be recorded here, as at an ordinary restart.
    """
    path = os.environ.get(RECORDED_BY_VARIABLE)
    if not path:
        return
    try:
        if told(path) == share.host or time.time() - os.stat(path).st_mtime > SEAM_S:
            return
    except OSError:
        return
    time.sleep(SEAM_S)
