"""The daemon's end of the fork server, and of the processes that it runs.

`forkserver_link` holds the connection, `processes` starts and signals processes over it,
`orphans` watches those whose fork server died, `notifications` receives their sd_notify
messages, `asking` checks that a server still answers. The room imports `instances`.
Begin with `processes`.
"""
