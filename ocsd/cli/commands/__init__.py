"""The commands of `ocsd`: one module each, named as the command.

A module `NAME` has a function `NAME`, the click command; `ocsd.cli.main` imports it when
`ocsd NAME` is called. `supervise` changes what runs, `look` only reads, `operate` talks to agents,
and `setup` prepares a machine. A module may import any other room of the command line. Begin with
`look/status`.
"""
