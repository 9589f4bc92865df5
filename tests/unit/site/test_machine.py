"""What a site file asks of a machine that has not got it."""

import os
import sys

import pytest

from ocsd.site import machine
from ocsd.site.model import Host, Instance


def told(hooks=None, **keys):
    instance = Instance(instance_id="a", agent_class="A", **keys)
    return list(machine.missing(Host(name="lab", instances=(instance,), hooks=hooks or {})))


def test_what_this_machine_has_is_no_matter():
    hooks = {"on-up": (sys.executable, "-c", ""), "on-down": ("sh",)}
    assert told(hooks, user="root", limits={"open_files": 64}) == []


def test_a_hook_without_a_program_is_told():
    assert told({"on-failed": ("/no/such/pager", "--urgent")}) == [
        "hook on-failed: there is no program '/no/such/pager' on this machine"
    ]


def test_an_unknown_user_is_told():
    assert told(user="nosuch") == ["instance 'a': there is no user 'nosuch' on this machine"]


def test_an_instance_that_something_else_runs_is_no_matter():
    assert told(user="nosuch", manage="docker") == []


@pytest.mark.parametrize("uid", [0, 1000])
def test_more_open_files_than_are_allowed_are_told(monkeypatch, uid):
    monkeypatch.setattr(os, "geteuid", lambda: uid)
    most = machine.most_open_files()
    assert told(limits={"open_files": most}) == []
    (warning,) = told(limits={"open_files": most + 1})
    assert f"open-files {most + 1} is above the {most} that are allowed here" in warning
