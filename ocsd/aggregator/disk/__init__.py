"""Everything that survives a kill: G3 files, the journal of samples, and the ledger.

`archive` appends frames to files, `journal` and `journal_writer` keep packed blocks that are
in no file yet, `ledger` remembers the numbers of each source, `recovery` rebuilds all of it at the
start, `upkeep` waits for the disk in a thread. The room imports `frames`, `numbers` and
`incoming`. Begin with `journal`.
"""
