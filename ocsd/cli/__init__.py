"""The command line: click commands that speak to the daemon's control API.

`main` finds the command asked for; each command is a module of `commands`. The rooms below
are `data`, `logs`, `systemd`, `arguments`, `talk` and `screen`. The package imports neither
twisted nor numpy: operators and scripts call it often, and `ocsd status` has to be done in a
fifth of a second. Begin with `main`.
"""
