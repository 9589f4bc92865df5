"""HTTP for the page: requests, answers, streams, files, and what is refused.

Begin with `ocsd.web.server.site`, which serves a table of `ocsd.web.server.route.Route`.
"""
