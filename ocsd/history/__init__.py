"""The history of a host: its file, and the availability of each instance.

`file` writes and reads the file; `summary` holds the entries and counts restarts and
uptime from them, without input or output. The daemon writes the file and the command
line reads it. This package imports the events of `ocsd.supervisor` only. Begin with
`summary`.
"""
