"""The rules of supervision: pure, without processes, clocks or a reactor.

`lifecycle` is the state machine of one instance, `states`, `events` and `answers` its vocabulary,
`policy` its limits; `wish` is the target of an instance and the reason for it, `health` the
verdict on it, `dependencies` the order of starts and ends. The package imports `ocsd.errors`
only; events and the time go in, actions come out. Begin with `lifecycle`.
"""
