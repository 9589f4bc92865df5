"""The parent of everything that a daemon runs.

A small process with one thread that forks, signals and reaps, so that agents outlive the
daemon and their exit codes stay known (docs/develop/architecture.md). `server` is its loop, `child`
is what becomes of a fork, `protocol` holds the messages, `client` and `start` are the
daemon's half, `warmth` loads what agents need before the first fork. The loop loads
nothing of the network. Begin with `server`.
"""
