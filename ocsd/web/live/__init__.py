"""Values as they come, from the recorder's journal: what the page shows while it is open.

`live` reads the journal and is what the other rooms use. `recent` keeps the last messages as they
came, `latest` has the newest value of each field, `cursor` makes the columns of one viewer,
`columns` adds samples to them. Begin with `live`.
"""
