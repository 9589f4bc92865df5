"""systemd: the unit file that `ocsd install` writes, and the job that a unit runs.

The room imports `talk`. Begin with `unit_file`.
"""
