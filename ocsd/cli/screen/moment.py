"""Times in the past, as people write them on the command line."""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import click

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_AGE = re.compile(rf"([0-9]+(?:\.[0-9]+)?)([{''.join(_UNITS_S)}])")


class PastTime(click.ParamType[float]):
    """A time in the past: an age such as ``90m``, or a date in UTC."""

    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the Unix time [s]."""
        text = str(value)
        if age := _AGE.fullmatch(text):
            return time.time() - float(age[1]) * _UNITS_S[age[2]]
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return self.fail(
                f"{text!r} is neither an age such as 90m or 7d nor a date or time in UTC such as "
                "2026-11-22 or 2026-11-22T20:00"
            )
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return moment.timestamp()


def since_option(begin: str = "Begin there", **settings: Any) -> Callable[..., Any]:
    """Return the option ``--since``, whose help has `begin` as its first words."""
    return click.option(
        "--since",
        "since_at",
        metavar="AGE|DATE",
        type=PastTime(),
        help=f"{begin}: an age such as 90m, 12h, 7d, or a date or time in UTC.",
        **settings,
    )
