"""The log of an agent or of the daemon: lines, levels, and files that are rotated.

`logs` connects txaio's loggers to the observer of `lines`; `file` rotates a log file;
`stream` keeps stdout and stderr usable when the disk is full; `printed` writes lines that are not
finished; `level_file` reads the level that `ocsd loglevel` asks for. The package imports
`ocsd.bus` (for txaio) and nothing
above it. Begin with `logs`.
"""
