"""Run a program with ocsd in place of the published OCS: ``python -m ocsd.compat PROGRAM …``.

Where the published package is installed, ``import ocs`` finds it first. In the program,
and in all that it starts, ``import ocs`` is ocsd.
"""

import os
import shutil
import sys

from ocsd import compat

_USAGE = "usage: python -m ocsd.compat PROGRAM [ARGUMENT …], e.g. python -m ocsd.compat pytest"


def main(words: list[str]) -> None:
    """Become the program.

    Raises
    ------
    SystemExit
        If there is none of that name.
    """
    if not words or words[0].startswith("-"):
        sys.exit(_USAGE)
    # A program of this environment comes before one of the same name elsewhere.
    folders = [os.path.dirname(sys.executable), os.environ.get("PATH", "")]
    program = shutil.which(words[0], path=os.pathsep.join(folders))
    if program is None:
        sys.exit(f"there is no program {words[0]!r} on PATH\n{_USAGE}")
    compat.use()
    # Python finds its virtual environment by the path that it is called with.
    os.execv(program, [program, *words[1:]])


if __name__ == "__main__":
    main(sys.argv[1:])
