"""Feeds: the messages that an agent publishes, from the author's call to the bus.

`feed` collects samples and publishes them, `block` and `message` build the messages,
`freshness` notices a feed that falls silent, `heartbeat` is the agent's own feed. The room
imports `ocsd.agent.spool` and `ocsd.agent.operations`. Begin with `feed`.
"""
