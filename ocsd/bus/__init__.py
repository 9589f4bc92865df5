"""The connection of a process to the router, for agents, clients and the daemon.

`reconnection` decides about attempts, `connector` makes them, and `connection` is that of an
agent; `bus` publishes, subscribes and registers over the present connection; `wamp` is the
one module that imports autobahn; `encoding` makes values fit the wire. The package imports
`ocsd.reactor`, `ocsd.site` and what stands below them, and never `ocsd.agent`. Nothing here
imports ``twisted.internet.reactor`` at module level: the fork server preloads these
modules, and an epoll descriptor must not cross a fork. Begin with `bus`.
"""
