"""Copies of a data folder: closed files brought to another folder, and verified there.

`record` has the facts of each copied file, `sync` makes the copies. The room imports
`ocsd.data.folder` and what is below it, and neither numpy nor so3g. Begin with `sync`.
"""
