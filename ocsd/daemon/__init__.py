"""The daemon of one host: builds the parts, wires them and owns the reactor.

`assembly` builds and wires, `daemon` reacts to what happens, `keepers` makes the keepers of
instances. `settling` follows the start, `progress` writes lines for the
terminal, `oversight` wires the observers, `upgrade` and `shutdown` end the daemon. The rooms
are `instances`, `children`, `watching`, `builtin`, `ocs`, `planning` and `api`. The daemon
imports neither the command line nor, but for its faces, the agent runtime. Begin with `assembly`.
"""
