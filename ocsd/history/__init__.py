"""The history of a host: the journal file, and what it says of each instance.

`journal` writes and reads the file; `summary` holds the entries and counts restarts and
uptime from them, without input or output. The daemon writes the journal and the command
line reads it. This package imports the events of `ocsd.supervisor` only. Begin with
`summary`.
"""
