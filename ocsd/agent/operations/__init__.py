"""Operations: tasks and processes of an agent, their parameters and their sessions.

`dispatch` answers a client's request, `operation` runs the author's function, `session`
holds what clients see of a run, `params` checks parameters. `lock` and `pacemaker` are tools
for authors. The room imports no other room of `ocsd.agent`. Begin with `operation`.
"""
