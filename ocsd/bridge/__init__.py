"""The bridge: joins the router of a host to the site's (``router: local`` in the site file).

A process of its own under the fork server, with one session at each router. `waiting`, `mirror`
and `offers` are its decisions, free of Twisted and autobahn; `link` is a session and
its connection, `side` one of the two routers, `bridge` what goes from one to the other. Begin with
`bridge`.
"""
