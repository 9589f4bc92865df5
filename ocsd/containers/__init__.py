"""Instances that run in containers: what is seen of them, and what follows from it. Pure.

`services` reads what docker compose says of its files, `inspected` what Docker says of a container.
`rules` compares a container with what its keeper knows, and finds the words for its end. `engine`
knows where Docker listens, and what to do if it does not answer. `stream` takes the bytes of
Docker's HTTP API apart. The I/O is in `ocsd.daemon.containers`. Begin with `rules`.
"""
