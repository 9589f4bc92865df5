"""The command line: click commands that speak to the daemon's control API.

`main` runs the given command; each command is a module of `commands`. The rooms below are
`data`, `logs`, `systemd`, `arguments`, `talk` and `screen`. The package imports neither
twisted nor numpy, because operators and scripts call it often: `ocsd status` has to be done
in a fifth of a second. Begin with `main`.
"""
