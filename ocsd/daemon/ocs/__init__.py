"""The daemon's contact with the published OCS.

`outside` runs agents of a published OCS and watches them over HTTP. `host_manager` and
`host_manager_session` answer as OCS's HostManager does. The room imports `instances`. Begin
with `host_manager`.
"""
