"""Reading the spools of this host's agents: what they publish is recorded without a router.

`reading` says how it works and keeps all feeds, `feed_tail` reads one of them while it grows,
`notices` tells that something has grown. The room imports `recording` and the rooms below it.
Begin with `reading`.
"""
