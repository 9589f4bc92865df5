"""Data folders read back: what `ocsd data` does.

Everything here knows the files only as docs/reference/wire.md describes them, so it reads those of
OCS as well, and needs no running aggregator. Of `ocsd.aggregator` it imports the format of
the files only (`frames.schema`, `numbers.hole`). `index`, `spans`, `names`, `gaps` and
`folder` import neither numpy nor so3g: with the index of a folder made, `ocsd data ls`
answers at once. Begin with `folder`.
"""
