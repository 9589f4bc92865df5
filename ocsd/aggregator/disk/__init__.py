"""Everything that survives a kill: G3 files, the journal of samples, and the ledger.

`archive` appends frames to files, `journal_writer` writes the journal (its format and its reader
are `ocsd.journal`), `ledger` remembers the numbers of each source, `recovery` rebuilds all of it
at the start, `upkeep` waits for the disk in a thread. The room imports `frames`, `numbers` and
`incoming`. Begin with `journal_writer`.
"""
