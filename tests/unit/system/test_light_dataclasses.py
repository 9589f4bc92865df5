"""Dataclasses that are made in less time are like all others."""

import subprocess
import sys

import pytest

PROBE = """
import copy, dataclasses, pickle, sys
from dataclasses import dataclass, field

@dataclass(frozen=True)
class Frozen:
    a: int
    b: object = "text"
    c: list = field(default_factory=list, repr=False)

@dataclass(frozen=True, slots=True)
class Slotted:
    a: int = 1

@dataclass(frozen=True)
class Child(Frozen):
    d: int = 2

@dataclass(frozen=True)
class Empty:
    pass

@dataclass
class Open:
    itself: object = None

class Free(Frozen):
    pass

for each in (Frozen(1), Slotted(), Child(1), Empty(), Open(3), Free(1)):
    print(repr(each), copy.copy(each) == each, pickle.loads(pickle.dumps(each)) == each)
    for name in ("a", "d", "unknown"):
        for act in (lambda: setattr(each, name, 5), lambda: delattr(each, name)):
            try:
                print(type(each).__name__, name, act())
            except Exception as error:
                print(type(each).__name__, name, type(error).__name__, error)
loop = Open()
loop.itself = loop
print(repr(loop), hash(Frozen(1, c=())), Frozen(1) == Frozen(1), dataclasses.replace(Child(1), d=7))
print(Frozen.__setattr__.__name__, Frozen.__repr__.__name__, Frozen.__doc__)
"""


@pytest.mark.skipif(sys.version_info >= (3, 13), reason="nothing is changed there")
def test_they_behave_as_those_of_python():
    light = "from ocsd.system import light_dataclasses\nlight_dataclasses.install()\n"
    check = (
        "assert Frozen.__repr__.__wrapped__.__code__.co_filename.endswith('light_dataclasses.py')\n"
    )
    printed = [
        subprocess.run(
            [sys.executable, "-c", code],
            capture_output=True,
            text=True,
            check=True,
            env={"PYTHONHASHSEED": "0"},
        ).stdout
        for code in (PROBE, light + PROBE + check)
    ]
    assert printed[0] == printed[1]
    assert printed[0].count("FrozenInstanceError") > 10
