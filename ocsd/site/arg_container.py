"""Words of a command line by option, under the name that OCS gives it."""

import re
from collections.abc import Iterable, Sequence
from typing import Any

_POSITIONAL = "__positional__"


class ArgContainer:
    """The words of a command line, by option.

    Parameters
    ----------
    args : sequence
        The words. A word that begins with ``-`` and a letter is an option, to which
        the following words belong; of an option that stands twice the last counts.

    Attributes
    ----------
    arg_dict : dict of str to list
        The words of each option, in the order of the options. Those before the
        first option have the key ``__positional__``.
    """

    def __init__(self, args: Iterable[Any]) -> None:
        self.arg_dict: dict[str, list[Any]] = {_POSITIONAL: []}
        option = _POSITIONAL
        for word in args:
            if re.match(r"-+[^\W\d_]", str(word)):
                option = word
                self.arg_dict[option] = []
            else:
                self.arg_dict[option].append(word)

    def update(self, arg_container2: "ArgContainer") -> None:
        """Take all options of another one, in place of those of the same name."""
        self.arg_dict.update(arg_container2.arg_dict)

    def to_list(self) -> Sequence[Any]:
        """Return the words as one list."""
        words: list[Any] = []
        for option, values in self.arg_dict.items():
            if option != _POSITIONAL:
                words.append(option)
            words += values
        return words
