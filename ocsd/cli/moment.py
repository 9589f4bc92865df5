"""Times in the past, as people write them on the command line."""

import calendar
import time

import click

_UNITS_S = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}
_FORMS = ("%Y-%m-%dT%H:%M:%SZ", "%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d")


class Moment(click.ParamType[float]):
    """A time in the past: an age such as ``90m``, or a date in UTC."""

    name = "moment"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the Unix time [s]."""
        text = str(value)
        if text[:-1].replace(".", "", 1).isdigit() and text[-1] in _UNITS_S:
            return time.time() - float(text[:-1]) * _UNITS_S[text[-1]]
        for form in _FORMS:
            try:
                return float(calendar.timegm(time.strptime(text, form)))
            except ValueError:
                continue
        return self.fail(
            f"{text!r} is neither an age such as 90m or 7d nor a date such as 2026-11-22"
        )
