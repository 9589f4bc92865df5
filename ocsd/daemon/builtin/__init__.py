"""Services that the daemon runs for the site: the router and the registry.

`router` supervises crossbar, `registry_host` and `registry_session` put the registry on the
router. The room imports `watching`, `children` and `instances`. Begin with `router`.
"""
