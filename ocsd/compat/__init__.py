"""The switch that makes ``import ocs`` be ocsd, beside a published OCS too.

The folder `path` holds one module of that name. First on the search path of
everything that ocsd starts, it comes before a published package; installed as a
top-level module as well, it serves agents run by hand where there is no
published one. The other modules are OCS's programs; `host_manager` stands in for its
HostManager. Begin with `path/ocs.py`.
"""

import os
import sys

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "path")
"""The folder of the module `ocs`."""


def use() -> None:
    """Let ``import ocs`` mean ocsd here and in every Python that this process starts."""
    if FOLDER not in sys.path:
        sys.path.insert(0, FOLDER)
    others = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    kept = (path for path in others if path not in {"", FOLDER})
    os.environ["PYTHONPATH"] = os.pathsep.join([FOLDER, *kept])
