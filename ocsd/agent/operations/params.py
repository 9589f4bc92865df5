"""Parameters of operations: their declaration, and the check of those that a client sends.

The texts of the errors are part of the wire: client programs match on them
(docs/reference/wire.md, "Operations").
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from ocsd.bus.encoding import json_safe, shown

Function = TypeVar("Function", bound=Callable[..., Any])

# Attribute of a decorated function in which @param keeps its instructions. Its name is
# fixed, because OCS agents that wrap operations themselves copy it.
PRESCREEN = "_ocs_prescreen"

LONGEST_DECLARED_BYTES = 2**16
"""Size of a default or of the choices in get_api at most [bytes]."""


class ParamError(Exception):
    """A client sent a parameter that the operation does not accept."""

    def __init__(self, msg: str) -> None:
        super().__init__(msg)
        self.msg = msg


# Stands for "no default": a missing parameter is an error.
REQUIRED = ParamError("")


class ParamHandler:
    """Take the parameters of one request out of their dict, checking each.

    Parameters
    ----------
    params : dict, optional
        The parameters that the client sent; None counts as no parameters.
    """

    def __init__(self, params: Mapping[str, Any] | None) -> None:
        if params is None:
            params = {}
        self._params = params
        self._seen: set[str] = set()

    def get(
        self,
        key: str,
        default: Any = REQUIRED,
        check: Callable[[Any], Any] | None = None,
        cast: Callable[[Any], Any] | None = None,
        type: type | None = None,
        choices: Collection[Any] | None = None,
        treat_none_as_missing: bool = True,
    ) -> Any:
        """Return one parameter, checked.

        Parameters
        ----------
        key : str
            Name of the parameter.
        default
            Returned if the parameter is missing; without it that is an error.
        check : callable, optional
            Gets the value and returns whether it is acceptable.
        cast : callable, optional
            Converts the value, before all other checks.
        type : type, optional
            Type of the value. An int is accepted for float, a list for tuple, because
            JSON has no tuples.
        choices : collection, optional
            The acceptable values.
        treat_none_as_missing : bool
            Whether None counts as missing.

        Returns
        -------
        object
            The value. None is returned unchecked.

        Raises
        ------
        ParamError
            If the value is missing or not acceptable.
        """
        self._seen.add(key)
        value = self._params.get(key)
        if value is None and (treat_none_as_missing or key not in self._params):
            value = _default(key, default)
        if value is None:
            return None
        if cast is not None:
            value = _cast(key, value, cast)
        if type is not None:
            value = _of_type(key, value, type)
        if choices is not None:
            _check_choice(key, value, choices)
        if check is not None and not check(value):
            raise ParamError(f"Param '{key}' failed validity check (see docs?).")
        return value

    def batch(
        self, instructions: list[tuple[str, dict[str, Any]]], check_for_strays: bool = True
    ) -> dict[str, Any]:
        """Return the parameters that `instructions` (of `param`) ask for.

        Parameters
        ----------
        instructions : list of (str, dict)
            Key and keyword arguments of `get`. The key ``'_'`` asks for
            nothing, ``'_no_check_strays'`` admits parameters not asked for.
        check_for_strays : bool
            Whether parameters that were not asked for are an error.

        Raises
        ------
        ParamError
            If a parameter is missing, not acceptable or not asked for.
        """
        params = {}
        for key, rules in instructions:
            if key == "_no_check_strays":
                check_for_strays = False
            elif key != "_":
                params[key] = self.get(key, **rules)
        if check_for_strays:
            self.check_for_strays()
        return params

    def check_for_strays(self, ignore: Collection[str] = ()) -> None:
        """Refuse parameters that the operation has not declared.

        Raises
        ------
        ParamError
            If there are any, besides those in `ignore`.
        """
        strays = [key for key in self._params if key not in self._seen and key not in ignore]
        if strays:
            raise ParamError(f"params included unexpected values: {strays}")


def param(key: str, **rules: Any) -> Callable[[Function], Function]:
    """Declare a parameter of an operation: an outermost decorator, which can be repeated.

    A request with parameters that break the rules is answered with the error at once,
    and the operation is not started.

    Parameters
    ----------
    key : str
        Name of the parameter; ``'_'`` declares that there are none.
    **rules
        Keyword arguments of `ParamHandler.get`.
    """
    # Misspelt rules, and a default that breaks them, raise when the agent is imported.
    try:
        ParamHandler({}).get(key, **{"default": None, **rules})
    except ParamError as error:
        default = shown(rules.get("default"))
        raise ParamError(f"@param({key!r}): the default is {default}: {error.msg}") from None

    def declare(func: Function) -> Function:
        if not hasattr(func, PRESCREEN):
            setattr(func, PRESCREEN, [])
        getattr(func, PRESCREEN).append((key, rules))
        return func

    return declare


def described(func: Callable[..., Any]) -> list[dict[str, Any]] | None:
    """Return the declarations of `param` for an operation, for get_api; None without any.

    They are ``{key, type, default, choices, required}`` for each parameter, in the order of
    the source; `type` and `choices` are None if any value is accepted.
    """
    instructions = getattr(func, PRESCREEN, None)
    if instructions is None:
        return None
    # Python applies decorators from the last to the first.
    return [_described(key, rules) for key, rules in reversed(instructions) if key[:1] != "_"]


def _described(key: str, rules: Mapping[str, Any]) -> dict[str, Any]:
    default = rules.get("default", REQUIRED)
    required = isinstance(default, ParamError)
    choices = rules.get("choices")
    kind = rules.get("type") or rules.get("cast")
    return {
        "key": key,
        "type": kind.__name__ if isinstance(kind, type) else None,
        "default": None if required else json_safe(default, _ignore, LONGEST_DECLARED_BYTES),
        "choices": None if choices is None else _choices(choices),
        "required": required,
    }


def _choices(choices: Collection[Any]) -> Any:
    return json_safe(list(choices), _ignore, LONGEST_DECLARED_BYTES)


def _ignore(_complaint: str) -> None:
    """Ignore that a default has no JSON type; clients get its text."""


def _default(key: str, default: Any) -> Any:
    if isinstance(default, ParamError):
        raise ParamError(f"Param '{key}' is required and must not be None")
    return default


def _check_choice(key: str, value: Any, choices: Collection[Any]) -> None:
    if value not in choices:
        raise ParamError(f"Param '{key}'={value} is not in allowed set ({choices})")


def _cast(key: str, value: Any, cast: Callable[[Any], Any]) -> Any:
    try:
        return cast(value)
    except Exception as error:
        raise ParamError(f"Param '{key}'={value} could not be cast to {cast}.") from error


def _of_type(key: str, value: Any, wanted: type) -> Any:
    if wanted is float and isinstance(value, int):
        return float(value)
    if wanted is tuple and isinstance(value, list):
        return tuple(value)
    if not isinstance(value, wanted):
        raise ParamError(f"Param '{key}'={value} is not of required type ({wanted})")
    return value
