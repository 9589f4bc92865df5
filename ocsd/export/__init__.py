"""Recorded samples on their way to other programs.

`databases` writes them to databases. The package reads the journal and the files; it stands above
`data`.
"""
