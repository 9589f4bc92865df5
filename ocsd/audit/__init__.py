"""The audit journal of a host: who did what, and what others report for it.

`entry` is a line of it, `chain` the rule by which a missing, changed or inserted line shows,
`journal` writes the files (only the daemon does, or a command while none runs), `reading` reads
them and `checking` checks their chain. `secrets` leaves secrets out of parameters, `repeats`
makes two lines of a flood, `notes` is what other processes collect and send to the daemon.
Nothing here imports Twisted. Begin with `entry`.
"""
