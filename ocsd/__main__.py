"""The command line: ``ocsd``, or ``python -m ocsd``."""

import signal
import sys


def main() -> int:
    """Run the command line; Ctrl-C while it is being loaded is no reason for a traceback."""
    on_interrupt = signal.getsignal(signal.SIGINT)
    if on_interrupt is signal.default_int_handler:
        # An exception could be swallowed by a library that tries an import.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        from ocsd.cli.main import main as command_line

        signal.signal(signal.SIGINT, on_interrupt)
        return command_line()
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
