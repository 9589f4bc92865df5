"""The spool: recent messages of recorded feeds, kept until the aggregator has them on disk.

`spool` explains all of it and keeps the messages of one feed. `segment` is one of its files,
`mark` the number to which a feed has come while its messages are in memory, `past` reads the
spools of earlier lives, `limits` are the bounds, `service` answers the aggregator. The room
imports no other room of `ocsd.agent`. Begin with `spool`.
"""
