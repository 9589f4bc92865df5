"""The agent runtime: everything that runs inside an agent's process.

`agent` holds the agent itself, `runner` starts it, `description` answers get_api. The rooms
are `operations`, `feeds`, `spool`, `wellbeing` and `guard`. Agent authors import the faces
(``ocsd.ocs_agent``, ``ocsd.ocs_feed``, ``ocsd.ocs_twisted``), not this package. It imports
`ocsd.bus`, `ocsd.log`, `ocsd.reactor` and what stands below them. Nothing here imports
``twisted.internet.reactor`` at module level: the fork server preloads these modules, and an
epoll descriptor must not cross a fork. Begin with `agent`.
"""
