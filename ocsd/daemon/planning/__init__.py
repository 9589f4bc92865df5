"""The site file in terms of processes: the launch of each instance, and a reload.

`settings` makes the launch of an instance from its entry, `reload` compares two versions of
the site file and changes only what differs. The room imports `builtin`, `ocs` and
`instances`. Begin with `settings`.
"""
