"""The commands of `ocsd`: one module each, named as the command.

A module `NAME` has a function `NAME`, the click command; `ocsd.cli.main` imports it when
`ocsd NAME` is called. A module may import any other room of the command line. Begin with
`status`.
"""
