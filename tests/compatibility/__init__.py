"""Runs every agent class that other packages publish, and writes what happened.

``python -m tests.compatibility`` says more; the result is docs/moving-from-ocs/compatibility.md.
"""
