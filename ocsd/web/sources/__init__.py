"""The sources of what the page shows; each may be away, and comes back by itself.

Begin with `ocsd.web.sources.daemon`.
"""
