"""Where the published packages are, for a test that must be quick.

``python -m tests.compatibility.environment`` installs a few packages of socs's and OCS's
own code, without what they depend on, into a folder for ``PYTHONPATH``, and prints it.
The whole environment is made by ``make compatibility``.
"""

import os
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / ".venv-socs-few"
PACKAGES = (
    "ocs>=0.12,<0.13",
    "socs==0.6.4",
    "pymodbustcp",
    *("requests", "urllib3", "certifi", "charset-normalizer"),
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
    done = folder / "done"
    if not done.exists():
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "install", "--quiet", "--no-compile"),
                *("--no-deps", "--upgrade", "--target", folder, *PACKAGES),
            ],
            check=True,
            env=os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"},
            stdout=sys.stderr,
        )
        done.touch()
    return folder


if __name__ == "__main__":
    print(few())
