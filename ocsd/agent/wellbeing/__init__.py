"""The health of an agent, as it reports it to the supervisor itself.

`readiness` sends the reports of sd_notify(3), `reactor_watch` finds code that blocks the
reactor, `self_call` calls the agent through the router, `descriptors` counts open files,
`origin` remembers the file of the agent's code. The room imports `ocsd.agent.operations`.
Begin with `readiness`.
"""
