"""Operations: tasks and process operations of an agent, their parameters and sessions.

`dispatch` answers a client's request, `operation` runs the author's function, `session`
is one run of it as clients see it, `params` checks parameters, `thread_deaths` reports
threads that die. `lock` and `pacemaker` are tools for authors. The room imports no other room
of `ocsd.agent`. Begin with `operation`.
"""
