"""Options for times in the past, as people write them on the command line."""

import time
from collections.abc import Callable
from typing import Any

import click

from ocsd.text.times import WAYS_TO_WRITE, past_time


class PastTime(click.ParamType[float]):
    """A time in the past, in a form that `ocsd.text.times.past_time` reads."""

    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the Unix time [s]."""
        try:
            return past_time(str(value), time.time())
        except ValueError as error:
            return self.fail(str(error), param, ctx)


def since_option(begin: str = "Begin there", **settings: Any) -> Callable[..., Any]:
    """Return the option ``--since``, whose help has `begin` as its first words."""
    return click.option(
        "--since",
        "since_at",
        metavar="TIME",
        type=PastTime(),
        help=f"{begin}: {WAYS_TO_WRITE}.",
        **settings,
    )


def until_option() -> Callable[..., Any]:
    """Return the option ``--until``."""
    return click.option(
        "--until",
        "until_at",
        metavar="TIME",
        type=PastTime(),
        help="End before that time; it is written as for --since.",
    )
