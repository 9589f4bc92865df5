"""Pictures of text: commands beside a host of 52 instances, as each kind of terminal shows them.

`python -m tests.unit.cli.pictures` draws them again; then look at each, as a person would who was
woken up by a call.
"""
