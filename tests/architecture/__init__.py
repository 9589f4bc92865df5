"""The shape of the source tree: a scoreboard, and tests that hold its limits.

``make scoreboard`` prints the figures; ``python -m tests.architecture --list MEASURE``
lists the places behind one of them. The files are only parsed, never imported.
"""
