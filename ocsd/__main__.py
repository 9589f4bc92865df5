"""Run the command line with ``python -m ocsd``, wherever ``ocsd`` is not on the path."""

import sys

from ocsd.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
