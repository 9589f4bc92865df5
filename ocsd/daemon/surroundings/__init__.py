"""What the host depends on and the daemon does not run: an external router, the clock.

`external_router` asks a router of somebody else whether it answers, `clock` asks chrony or
systemd-timesyncd how far the clock is off. The room imports `children` and `instances`.
"""
