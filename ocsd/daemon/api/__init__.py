"""The daemon as others see it: the control API, its status report, and systemd.

`control` serves HTTP on the socket of `control_port`, `status` makes the report, `requests`
waits for the result of a request, `systemd` reports upwards. The room imports `planning`,
`watching` and `instances`. Begin with `control`.
"""
