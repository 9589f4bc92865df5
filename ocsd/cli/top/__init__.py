"""The full screen of `ocsd top`.

`picture` makes the lines of the screen of the daemon's answer: pure functions of the answer, of
what was chosen and of the size. `source` asks the daemon, and is the seam for tests. `app` and
`screens` are the only modules that import textual: they read keys and show lines. Begin with
`picture`.
"""
