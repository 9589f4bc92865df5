"""The connection of a process to the router, for agents, clients and the daemon.

`connection` connects, reconnects and joins the realm; `bus` publishes, subscribes and
registers over the connection that exists at the moment; `wamp` is the one module that
imports autobahn; `encoding` turns values into what the wire can carry. The package imports
`ocsd.reactor`, `ocsd.site` and what stands below them, and never `ocsd.agent`. Nothing here
imports ``twisted.internet.reactor`` at module level: the fork server preloads these
modules, and an epoll descriptor must not cross a fork. Begin with `bus`.
"""
