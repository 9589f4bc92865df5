"""The parent of everything that a daemon runs.

A small process with one thread that forks, signals and reaps, so that agents
outlive the daemon and their exit codes stay known (docs/architecture.md).
"""
