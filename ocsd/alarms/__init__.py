"""The rules of alarms: conditions and their language, the life of an alarm, incidents, messages.

All of it is pure: times, samples and states come in as data, and events go out. Begin with
`ocsd.alarms.board`, which has all alarms of a host; `ocsd.alarms.parsing` reads conditions, and
`ocsd.alarms.outbox` decides when a message is tried again. `ocsd.evaluator` feeds them.
"""
