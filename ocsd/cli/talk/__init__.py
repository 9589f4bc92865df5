"""The conversation with a daemon, a router or a fork server.

`control` finds a daemon and asks it, over `unix_http`; `replies` reads its answers; `present`
and `hosts` help where it may be silent; `holder` names a daemon that cannot be found;
`leftovers` ends what a dead daemon left; `site_router` finds the router for calls to agents.
The room imports no other room of the command line. Begin with `control`.
"""
