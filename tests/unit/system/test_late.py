"""Modules that are loaded when they are used."""

import inspect
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ocsd.system.late import without_margin


@given(st.text("ab \t\n", max_size=30))
def test_a_margin_is_stripped_as_by_inspect(text):
    assert without_margin(text) == inspect.cleandoc(text)


@pytest.mark.parametrize(
    ("name", "use", "printed"),
    [
        ("inspect", "inspect.cleandoc('a\\n  b')", "'a\\nb' late"),
        ("inspect", "inspect.isfunction(print)", "False loaded"),
        ("inspect", "__import__('dataclasses').make_dataclass('A', ['b'])(1)", "A(b=1) loaded"),
        (
            "platform",
            "(__import__('uuid').UUID(int=1).int, platform.system())",
            "(1, 'Linux') late",
        ),
        ("platform", "platform.python_version_tuple()[0]", "'3' loaded"),
        ("gettext", "(gettext.gettext('a'), gettext.ngettext('a', 'b', 2))", "('a', 'b') late"),
        ("gettext", "gettext.NullTranslations().gettext('a')", "'a' loaded"),
        ("urllib.parse", "__import__('pathlib').Path('/a b').as_uri()", "'file:///a%20b' loaded"),
        ("urllib.parse", "urllib.parse.urlsplit('http://[::1]/b').netloc", "'[::1]' loaded"),
        ("selectors", "__import__('socket').AF_UNIX.name", "'AF_UNIX' late"),
        ("selectors", "__import__('asyncio').run(__import__('asyncio').sleep(0))", "None loaded"),
    ],
)
def test_it_is_loaded_when_it_is_used(name, use, printed):
    program = (
        "import sys\n"
        "from ocsd.system.late import LateModule, load_late\n"
        "load_late()\n"
        f"import {name}\n"
        f"value = repr({use})\n"
        f"print(value, 'late' if type(sys.modules['{name}']) is LateModule else 'loaded')\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == printed
