"""The limits that the tests hold and the scoreboard shows."""

SHARED_CLASSES = 0
"""Class names that stand for several classes."""

CONFLICTING_CONSTANTS = 0
"""Names of module-level constants that have different values in different modules."""

OPENINGS = 0
"""Docstrings that begin with What, Who, Whoever, So, How or That."""

DEAD_REFERENCES = 0
"""Files and modules that are named in prose but do not exist."""

CYCLES = 0
"""Groups of modules that import each other."""

FILES_PER_FOLDER = 20
"""Python files in one folder."""

CONDITIONALS = 8.0
"""Conditional expressions of ocsd/ per 1,000 lines of code.

Lines of code are no blank lines, comments or docstrings: per physical line the
density would fall with each docstring that is written.
"""

COMPLEX_FUNCTIONS = 12
"""Functions that radon ranks C or worse: complexity 11 and more."""

MODULE_LINES = 400
"""Physical lines of one file."""

FUNCTION_LINES = 40
"""Lines from which a function is counted as long."""

COMPLEXITY = 8
"""McCabe complexity of a function, as ruff's rule C901 counts it."""

CLASS_LINES = 200
"""Lines from which a class is counted as long."""
