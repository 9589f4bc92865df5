"""Writers to databases: all that the aggregator records, in the data model of OCS.

`points` says which points the samples of a block become, `lines` writes them as InfluxDB's line
protocol. `trails` reads the journal and the files from a place on, `cursor` is the set of places,
kept on disk behind what the database has acknowledged, and `source` goes through them: what is
new first, what is old behind it. `destination` is the seam to a kind of database;
`line_destination` is the one for line protocol: `delivery` sends batches and isolates refused
lines, `server` talks HTTP. `inbox` takes messages off the bus where there is no journal, `writer`
is the whole, and `agent` the classes ``InfluxDBAgent`` and ``InfluxDBAgentv2``. Begin with
`writer`.
"""
