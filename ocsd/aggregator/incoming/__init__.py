"""Messages that come in: reading, checking, refusing and counting them.

`message` reads and checks a message, `columns` and `packing` pack its samples into bytes,
`quarantine` keeps refused messages, `tally` counts, `moment` is a time on both clocks. The
room imports no other room of the aggregator. Begin with `message`.
"""
