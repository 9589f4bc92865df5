"""The report of `ocsd status`: values in, lines of text out.

`verdict` decides whether there is anything to do, `headlines` words the lines above the table,
`rows` its cells, and `page` fits all of it to a terminal, or writes all of it for programs. All
are pure functions of the daemon's answer. Begin with `verdict`.
"""
