"""What runs inside an agent's process: operations, feeds and the connection.

Agent authors import the faces (``ocsd.ocs_agent``, ``ocsd.ocs_feed``,
``ocsd.ocs_twisted``), not this package. Nothing here imports
``twisted.internet.reactor`` at module level: the fork server preloads these
modules, and an epoll descriptor must not cross a fork.
"""
