"""The rules of alarms: conditions and their language, the life of an alarm, incidents.

All of it is pure: times, samples and states come in as data, and notices go out. Begin with
`ocsd.alarms.parsing`, which reads a condition as a site file has it, and `ocsd.alarms.alarm`.
"""
