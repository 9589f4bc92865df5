"""A host of the site, asked from another one."""

import pytest

from ocsd.cli.site.far import FarHost
from ocsd.errors import UnreachableError


class CutLink:
    """A way on which the answer to the request number `cut` gets lost."""

    def __init__(self, cut):
        self.left = cut

    def ask(self, host, body, limit_s):
        self.left -= 1
        if not self.left:
            raise UnreachableError(f"host {host!r} has not answered within {limit_s:g} s")
        return {"run": "7", "out": "begins", "err": "", "exit_code": None}


@pytest.mark.parametrize("cut", [1, 2])
def test_of_a_change_without_an_answer_is_told_where_to_look(cut):
    with pytest.raises(UnreachableError, match="what came of it says: ocsd history lab-2:"):
        FarHost("lab-2", CutLink(cut)).run(["restart", "thermo1"], out=str)


def test_what_only_looks_can_be_asked_again():
    with pytest.raises(UnreachableError, match=r"within 41 s$"):
        FarHost("lab-2", CutLink(2)).run(["logs", "thermo1"], out=str)
