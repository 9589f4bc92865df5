"""The numbers of messages: which have come, which are missing, which are lost.

`source_key` names a feed of one agent session, `numbering` sorts numbers into new, old and
missing (in `ocsd.journal.ranges`), `rhythm` estimates the usual interval, `hole` describes lost
samples. The room imports no other room of the aggregator. Begin with `numbering`.
"""
