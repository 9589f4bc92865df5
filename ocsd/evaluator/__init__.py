"""The process that evaluates the alarms of a host, and tells people of them.

It follows the recorder's journal and asks the daemon for its status, so alarms need neither
router nor database nor page. `process` is the process; each of its rounds is `desk`: samples and
states go to the board (`ocsd.alarms`), what happened is kept on the disk (`kept`), and only then
told (`pages`: which message to whom; `attempts`: a small process for each attempt, which outlives
this one). Begin with `ocsd.evaluator.process`.
"""
