"""``g32influx``: the program of OCS that copies G3 files into InfluxDB, not in ocsd yet."""

import sys

from ocsd.errors import OcsdError

_INSTEAD_OF_INFLUX = (
    "ocsd does not copy files into InfluxDB yet. Recorded data as CSV, Parquet or NumPy: "
    "'ocsd data export FIELD --since TIME -o FILE'. What agents publish from now on: list an "
    "InfluxDBAgent in the site file"
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
