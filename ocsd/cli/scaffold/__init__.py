"""scaffold: the files of a new agent, for `ocsd new`.

`names` derives the names of a new agent from one word. `making` fills in the files in
`templates`, whose folders are layers: ``every`` agent, every ``device``, and each kind of agent.
"""
