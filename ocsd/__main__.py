"""The command line: ``ocsd``, or ``python -m ocsd``."""

import sys

# First: it imports nothing that could be interrupted.
from ocsd.system.interrupts import ends_at_once


def main() -> int:
    """Run the command line; Ctrl-C while it is being loaded ends it without a traceback."""
    try:
        with ends_at_once():
            from ocsd.system.garbage import loaded
            from ocsd.system.late import load_late

            with loaded():
                load_late()
                from ocsd.cli.main import main as command_line
                from ocsd.errors import INTERRUPTED_EXIT

        return command_line()
    except KeyboardInterrupt:
        return INTERRUPTED_EXIT


if __name__ == "__main__":
    sys.exit(main())
