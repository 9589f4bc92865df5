"""The client runtime: calls to agents from programs and scripts, each with a time limit.

`http` calls through the router's HTTP bridge, `operations` starts and awaits operations for
the faces `ocsd.ocs_client` and `ocsd.matched_client`; `script` and `listen` join the
router over `ocsd.bus`. The package imports `ocsd.bus`, `ocsd.site` and what stands below
them, never `ocsd.agent`. Begin with `http`.
"""
