"""Log files and journals as commands read them.

`logfile` reads and follows one log, `several_logs` several in the order of time, `log_level`
asks an agent for another level, `records` reads journals. The room imports `talk` and
`screen`. Begin with `logfile`.
"""
