"""``g32influx``, the program of OCS that copies G3 files into InfluxDB: names our command."""

import sys

from ocsd.errors import OcsdError

_INSTEAD_OF_INFLUX = (
    "in ocsd this is 'ocsd data push --to http://HOST:8086/DATABASE --folder DIR --since TIME'; "
    "what agents publish from now on is written by an InfluxDBAgent in the site file"
)


def main() -> None:
    """Say so, and end with an error.

    Raises
    ------
    SystemExit
        Always.
    """
    print(f"g32influx: error: {_INSTEAD_OF_INFLUX}", file=sys.stderr)  # noqa: T201 - a command
    sys.exit(OcsdError.exit_code)
