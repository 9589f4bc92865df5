"""The page in the browser, and its HTTP API: a process of its own under the fork server.

It reads the daemon's control API, the journal of samples and the files, and owns none of them:
whoever looks slows neither supervision nor recording, and the page lives while router or daemon
are away. Begin with `ocsd.web.process`, which wires the rooms: `server` (HTTP, and what is
refused), `sources` (what is read), `api` (the table of requests and their answers), `live` (values
as they come). `page` holds the files that the browser gets.
"""
