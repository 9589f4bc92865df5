"""Loggers that never raise: a line of the log must not end an acquisition.

txaio's loggers take a ``{}``-style format and its fields. Authors also write as for the
standard library: positional arguments for ``%``, ``warning``, ``exception``, ``exc_info``.
"""

import sys
from collections.abc import Callable, Mapping
from typing import Any, Final

import txaio.tx
from twisted.logger import LogLevel
from twisted.python.failure import Failure

_TAKEN: Final = frozenset({"self", "level", "format", "failure", "exc_info", "stack_info"})
"""Names of fields that Twisted's logger or the standard library's gives another meaning."""

_METHODS: Final = {50: "critical", 40: "error", 30: "warn", 20: "info", 10: "debug"}
"""The method for each level of the standard library, the highest first."""


class PatientLogger(txaio.tx.Logger):  # type: ignore[misc] # txaio is untyped
    """A logger as txaio's, with the habits of the standard library."""

    @property
    def warning(self) -> Callable[..., None]:
        """The standard library's name of `warn`."""
        warn: Callable[..., None] = self.warn
        return warn

    @property
    def fatal(self) -> Callable[..., None]:
        """The standard library's other name of `critical`."""
        critical: Callable[..., None] = self.critical
        return critical

    def log(self, level: object, text: object = "", /, *args: Any, **fields: Any) -> None:
        """Log with a level of the standard library, which is a number or a name."""
        getattr(self, _method_of(level))(text, *args, **fields)

    def exception(self, text: object = "", /, *args: Any, **fields: Any) -> None:
        """Log an error with the traceback of the present exception."""
        self._log(LogLevel.error, text, *args, **{**fields, "exc_info": True})

    def _log(self, level: Any, text: object = "", /, *args: Any, **fields: Any) -> None:
        try:
            # autobahn's lines have their text by a name.
            text = txaio.tx._categories.get(fields.get("log_category"), text)  # noqa: SLF001
            template, event = event_of(text, args, fields)
            self._logger.emit(level, template, **event)
        except Exception as error:  # noqa: BLE001 - whatever it is, the author's code goes on
            said = f"a line for the log cannot be made: {type(error).__name__}"
            self._logger.emit(level, "{said}", said=said)

    def _failure(self, text: object = "", /, *args: Any, **fields: Any) -> None:
        self._log(LogLevel.critical, text, *args, **{"exc_info": True, **fields})


def install() -> None:
    """Make all loggers from now on patient."""
    txaio.tx.Logger = PatientLogger


def event_of(
    text: object, args: tuple[Any, ...], fields: Mapping[str, Any]
) -> tuple[str, dict[str, Any]]:
    """Return the ``{}``-style format and the fields of a line.

    Parameters
    ----------
    text : object
        A format of either style, or anything that has a text.
    args : tuple
        The positional arguments; a Failure among them is the failure to log.
    fields : mapping
        The keyword arguments.
    """
    event = {name: value for name, value in fields.items() if name not in _TAKEN}
    failure = _failure_of(args, fields)
    if failure is not None:
        event["log_failure"] = failure
    values = tuple(value for value in args if not isinstance(value, Failure))
    template = text if isinstance(text, str) else str(text)
    if "format" in fields and not template:
        template = str(fields["format"])
    if values or _TAKEN & fields.keys() - {"format", "failure", "exc_info", "stack_info"}:
        return "{said}", {**event, "said": _said(template, values, fields)}
    return template, event


def _method_of(level: object) -> str:
    if isinstance(level, int):
        return next((name for least, name in _METHODS.items() if level >= least), "debug")
    name = str(getattr(level, "name", level)).lower().removesuffix("ing")
    if name in _METHODS.values():
        return name
    return {"fatal": "critical"}.get(name, "info")


def _failure_of(args: tuple[Any, ...], fields: Mapping[str, Any]) -> Failure | None:
    for value in (*args, fields.get("failure"), fields.get("exc_info")):
        if isinstance(value, Failure):
            return value
        if isinstance(value, BaseException) and value is fields.get("exc_info"):
            return Failure(value)  # type: ignore[no-untyped-call]  # of twisted
    present = sys.exc_info()[1]
    if fields.get("exc_info") and present is not None:
        return Failure(present)  # type: ignore[no-untyped-call]  # of twisted
    return None


def _said(template: str, values: tuple[Any, ...], fields: Mapping[str, Any]) -> str:
    """Return the text of a line with positional arguments, in whichever style it is."""
    # The standard library takes a single dict for `%(name)s`.
    mapping = values[0] if len(values) == 1 and isinstance(values[0], Mapping) else values
    if "%" in template or not values:
        try:
            return template % mapping if values else template.format(**fields)
        except (TypeError, ValueError, LookupError, AttributeError):
            pass
    try:
        filled = template.format(*values, **fields)
    except (TypeError, ValueError, LookupError, AttributeError):
        filled = template
    if filled == template:
        return " ".join([template, *map(_shown, values)])
    return filled


def _shown(value: object) -> str:
    try:
        return str(value)
    except Exception:  # noqa: BLE001 - an author's __str__ may do anything
        return type(value).__name__
