"""The spool: recent messages of recorded feeds, kept until the aggregator has them on disk.

`spool` keeps the messages of one feed, `segment` is one of its files, `mark` records how far
a feed has come while its messages are in memory only, `past` holds the spools of earlier
lives, `limits` the bounds, `service` answers the aggregator. The room imports no other room
of `ocsd.agent`. Begin with `spool`.
"""
