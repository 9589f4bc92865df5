"""A virtual environment with the published OCS, made when it is first asked for.

``python -m benchmarks.ocs_venv`` prints the path of its Python. To tests it does not
matter that Python compiles what they import; pip would compile all there is.
"""

import fcntl
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LATEST = bool(os.environ.get("LATEST"))
"""Whether the newest releases are wanted, and not the versions that CI has tried."""

SUFFIX = "-latest" if LATEST else ""
DEFAULT = ROOT / f".venv-ocs{SUFFIX}"
CONSTRAINTS = ROOT / "constraints" / "published.txt"
# so3g is what OCS's aggregator writes files with; the others are what OCS lacks for wss://.
REQUIREMENTS = ("ocs[so3g]>=0.12,<0.13", "pyopenssl", "service-identity")


def python(folder: Path = DEFAULT, compiled: bool = True) -> Path:
    """Return the Python of an environment that has OCS, installing it if need be.

    Parameters
    ----------
    folder : Path
        The environment.
    compiled : bool
        Whether all of it shall be compiled, so that what is measured next is not held
        up by that.
    """
    with folder.with_suffix(".lock").open("w") as lock:
        # Tests that run at the same time need one, not two.
        fcntl.flock(lock, fcntl.LOCK_EX)
        interpreter = _made(folder)
        if compiled:
            # Some packages hold files that are no Python of this version: no matter.
            command = [interpreter, "-m", "compileall", "-q", "-q", folder / "lib"]
            subprocess.run(command, check=False, stdout=sys.stderr)
        return interpreter


def _made(folder: Path) -> Path:
    interpreter = folder / "bin" / "python"
    if not interpreter.exists():
        venv.create(folder, with_pip=True)
    done = folder / "installed"
    if not done.exists() or done.stat().st_mtime < CONSTRAINTS.stat().st_mtime:
        install(interpreter, *REQUIREMENTS)
        done.touch()
    return interpreter


def install(interpreter: Path, *words: str | Path) -> None:
    """Install packages with uv, which the variable UV names, else with pip.

    In the versions that CI has tried, or the newest ones.

    Parameters
    ----------
    interpreter : Path
        The Python whose environment gets them.
    words : str or Path
        Options, which pip and uv have alike, and requirements.

    Raises
    ------
    CalledProcessError
        If they cannot be installed.
    """
    environment = os.environ | {"PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    command: list[str | Path] = [interpreter, "-m", "pip", "install", "--no-compile"]
    if uv := os.environ.get("UV"):
        command = [uv, "pip", "install", "--python", interpreter]
    for name in ("PIP_CONSTRAINT", "UV_CONSTRAINT"):
        environment.pop(name, None)
        if not LATEST:
            environment[name] = str(CONSTRAINTS)
    subprocess.run([*command, "--quiet", *words], check=True, env=environment, stdout=sys.stderr)


if __name__ == "__main__":
    print(python(Path(sys.argv[1]) if len(sys.argv) > 1 else DEFAULT, compiled=False))
