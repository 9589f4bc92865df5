"""A data folder that is kept open: columns of any fields over any time, at once.

Begin with `archive`. `bounds` has the limits of what may be asked for, `listing` notices new files,
`tree` arranges them, `growing` reads the file that is being written, `samples` reads single
samples, `pieces` takes the coarsest bins that are enough for columns, `holes` finds what is
missing, and `answer` puts everything together.
"""
