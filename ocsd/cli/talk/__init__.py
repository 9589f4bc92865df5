"""The conversation with a daemon, a router or a fork server.

`hosts` lists the folders of hosts; `control` finds a daemon there and asks it, over
`unix_http`; `replies` reads its answers; `present` remembers a daemon that is silent; `holder`
names one whose socket is missing; `leftovers` ends the processes of a dead one; `site_router`
finds the router for calls to agents.
The room imports no other room of the command line. Begin with `control`.
"""
