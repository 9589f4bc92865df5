"""Log files and journals as commands read them.

`places` finds logs, `logfile` reads and follows one, `log_lines` knows times, levels and events,
`several_logs` puts several in order of time, `log_level` asks an agent for another level,
`records` reads journals. The room imports `talk`, `screen` and `arguments`. Begin with `logfile`.
"""
