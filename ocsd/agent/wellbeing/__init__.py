"""The health of an agent, as the agent itself reports it to the supervisor.

`readiness` sends the reports of sd_notify(3), `reactor_watch` finds code that blocks the
reactor, `self_call` calls the agent through the router, `this_process` knows the file of the
agent's code and whether another file can be opened, `own_code` compares the agent's modules with
the disk. The room imports `ocsd.agent.operations`. Begin with `readiness`.
"""
