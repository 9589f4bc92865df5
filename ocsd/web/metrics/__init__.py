"""The state of the host as metrics for Prometheus.

Begin with `ocsd.web.metrics.exposition`. Nothing is counted here for its own sake: each scrape
reads the status, the history and the counts of the journal. The package needs prometheus_client,
which takes 0.1 s to load, so it is loaded at the first scrape.
"""
