"""Things that the host depends on and the daemon does not run.

`clock` asks chrony or systemd-timesyncd how far the clock of the machine is off. The room imports
`instances`.
"""
