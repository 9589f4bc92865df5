"""The fault matrix: what fails, how, and what must hold all the same."""

import pytest

# What is asserted there shall be told in full, too.
pytest.register_assert_rewrite("tests.system.invariants", "tests.system.faults.lab")
