"""The recording: takes messages, and puts them into the journal and into files in order.

`intake` is a queue with a thread, `recorder` takes one message after another, `filing`
writes frames, `opening` restores what an earlier process left, `pause` decides what happens
while the disk refuses, `condition` describes the state to operators. The room imports
`disk`, `frames`, `numbers` and `incoming`. Begin with `recorder`.
"""
