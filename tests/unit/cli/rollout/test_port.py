"""A host of the site, as a roll-out talks to it."""

import json

import pytest

from ocsd.cli.rollout.port import FarPort
from ocsd.errors import DaemonRefusedError

THEIRS, OURS = "/etc/ocsd/site.yaml", "/home/vera/new.yaml"
WARNING = "{}:4: instance 'a' has no key 'colour'"


class Far:
    """A host whose reload of the new text ends like this."""

    name = "lab-1"

    def __init__(self, code, out="", err=""):
        self.code, self.out, self.err = code, out, err

    def ask(self, request, **more):
        if request == "take_file":
            raise DaemonRefusedError(f"{THEIRS}:9: no such class", 78)
        return {"digest": "aa", "site_file": THEIRS}

    def run(self, words, given, out, err):
        out(self.out)
        err(self.err)
        return self.code


def port(*reply):
    found = FarPort(Far(*reply), OURS)
    found.file()
    return found


def test_what_a_host_says_of_the_new_file_names_the_file_of_this_machine():
    told = (
        f"ocsd: {THEIRS}:15: no plug-in has the class 'Fak'; paths are those of {THEIRS}.previous"
    )
    with pytest.raises(DaemonRefusedError) as refused:
        port(78, "", told).foresee("text")
    expected = f"{OURS}:15: no plug-in has the class 'Fak'; paths are those of {THEIRS}.previous"
    assert str(refused.value) == expected
    assert refused.value.exit_code == 78
    with pytest.raises(DaemonRefusedError, match=f"^{OURS}:9: no such class"):
        port(0).take("text", "aa")


def test_its_warnings_do_so_too():
    out = json.dumps({"effects": {}, "warnings": [WARNING.format(THEIRS)]})
    assert port(0, out).foresee("text")["warnings"] == [WARNING.format(OURS)]
