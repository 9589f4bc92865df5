"""The feed viewer, `ocsd view-feed`: the last hour of one feed, for browsers and for Grafana.

A process of its own, in a container or by hand; it needs a router and nothing else. `settings`
holds its configuration, `buffer` the samples, `thinning` the choice of those that are shown,
`grafana` the answers to the SimpleJSON data source, `feed_state` what is missing, `pages` the web
server and `process` all of them together. Begin with `process`.
"""
