"""The parts of `ocsd data`: the choice of the folder, the texts, and exports.

`selection` has the options that all subcommands share, `place` finds the data folder, `text`
writes rows and lines, `out` holds the subcommands export and plot, `offered` the
completion of names. The room imports
`arguments`, `talk` and `screen`, and `ocsd.data`. Begin with `selection`.
"""
