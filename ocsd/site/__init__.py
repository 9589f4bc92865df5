"""The site file: its content, the lines it comes from, and the code of agent classes.

`load` finds and reads it, `model` is its content, `document` keeps the lines, `wording`
explains mistakes, `supervision` holds the keys of supervision, `launch` the settings of one
process; `arguments` and `configuration` serve agents and clients; `plugins` finds agent
classes. The package imports `ocsd.text` and `ocsd.errors` only. Begin with `model`.
"""
