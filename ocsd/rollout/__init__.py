"""The roll-out of a site file: pure rules for what happens on which host, and when it stops.

`standing` says what a host would have to do, `waves` in which order hosts do it, `arrival` whether
a host has come up, and `course` what follows from that for all of them. The talk to hosts is
elsewhere (`ocsd.cli.rollout`). Begin with `course`.
"""
