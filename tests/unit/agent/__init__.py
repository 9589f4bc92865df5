import pytest

# What is asserted there shall be told in full, too.
pytest.register_assert_rewrite("tests.unit.agent.faulty_runs")
