"""The instances of a host, each with its keeper and its target.

`keeper` keeps one instance in its target state, `fleet` holds all keepers, `plan` is the
host's part of the site file, `targets` and `finished` are remembered over restarts,
`launch_window` makes starts wait for others and paces them, `ports` and `transition` are the
vocabulary. The room imports the rules of `ocsd.supervisor` and no other room of the daemon.
Begin with `keeper`.
"""
