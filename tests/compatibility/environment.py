"""Where the published packages are, for a test that must be quick.

``python -m tests.compatibility.environment`` installs a few packages of socs's and OCS's
own code, without what they depend on, into a folder for ``PYTHONPATH``, and prints it.
The whole environment is made by ``make compatibility``.
"""

import sys
from pathlib import Path

from benchmarks.ocs_venv import CONSTRAINTS, ROOT, SUFFIX, install

FOLDER = ROOT / f".venv-socs-few{SUFFIX}"
PACKAGES = (
    "ocs>=0.12,<0.13",
    "socs==0.6.4",
    "pymodbustcp",
    "sorunlib==0.1.35",
    *("requests", "urllib3", "certifi", "charset-normalizer"),
    *("pysnmp", "pyasn1", "pysmi", "lark", "pycryptodomex"),
)


def few(folder: Path = FOLDER) -> Path:
    """Return a folder that has the packages, installing them if need be.

    Parameters
    ----------
    folder : Path
        Where they shall be.

    Raises
    ------
    CalledProcessError
        If they cannot be installed.
    """
    done, wanted = folder / "done", "\n".join(PACKAGES)
    made = done.exists() and done.read_text() == wanted
    if not made or done.stat().st_mtime < CONSTRAINTS.stat().st_mtime:
        install(Path(sys.executable), "--no-deps", "--upgrade", "--target", folder, *PACKAGES)
        done.write_text(wanted)
    return folder


if __name__ == "__main__":
    print(few())
