"""The recording: puts messages into the journal and into files, in order.

`recorder` begins with an essay on the way of a message. `arrivals` are the values that wait
in the queue `intake`, `message_path` takes one message after another, `batch` those that are as
usual together, `frame_writing` decides when a frame is due and keeps `unframed` blocks, `refusals`
keeps bad messages, `opening` restores the leftovers of an earlier process, `pause` bridges a disk
that refuses, `condition` describes the state to operators, `introductions` remembers senders. The
room imports `disk`, `frames`, `numbers` and `incoming`. Begin with `recorder`.
"""
