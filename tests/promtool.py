"""Debian's promtool, which checks metrics and rules; tests skip without it."""

import os
import shutil
import subprocess

import pytest

PROMTOOL = os.environ.get("OCSD_PROMTOOL") or shutil.which("promtool")

needs_promtool = pytest.mark.skipif(
    PROMTOOL is None,
    reason="needs promtool of Debian's package prometheus, in PATH or named by OCSD_PROMTOOL",
)


def promtool(*words, given=""):
    """Run promtool; return what it says, which is nothing if all is well."""
    done = subprocess.run(
        [PROMTOOL, *map(str, words)], input=given, capture_output=True, text=True, timeout=60
    )
    return f"{done.stdout}{done.stderr}".strip(), done.returncode
