"""A host of the site, asked from another one."""

import pytest

from ocsd.cli.screen import terminal
from ocsd.cli.screen.terminal import Terminal
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


class NotedWay:
    """A way on which each command ends at once."""

    def __init__(self):
        self.bodies = []

    def ask(self, host, body, limit_s):
        self.bodies.append(body)
        return {"run": "7", "out": "", "err": "", "exit_code": 0}


@pytest.mark.parametrize(
    ("interactive", "out", "lines"), [(True, None, 50), (False, None, None), (True, str, None)]
)
def test_a_host_is_told_for_what_terminal_it_prints(monkeypatch, interactive, out, lines):
    screen = Terminal(interactive, True, interactive, 120, 50)
    monkeypatch.setattr(terminal, "of_output", lambda: screen)
    way = NotedWay()
    assert FarHost("lab-2", way).run(["status"], out=out) == 0
    [body] = way.bodies
    assert (body["columns"], body["colour"], body.get("lines")) == (120, interactive, lines)
