"""Observers of the instances: they record, examine, alarm and clean up.

`watches` checks health and evidence, `chronicle` writes the history, `incidents` and
`examiner` deal with failures and hangs (`forensics` collects stacks), `hooks` run the
operator's commands. `instance_log`, `foreign_logs`, `left_spools` and `lost_files` look after
files. The room imports `children` and `instances`. Begin with `watches`.
"""
