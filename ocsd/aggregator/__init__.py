"""The aggregator: writes the feeds of a site into G3 files, and loses nothing.

A message enters through `agent` and is checked in `incoming`, which keeps refused messages
in its quarantine. `numbers` decides by the message's number whether it is new. Its blocks
go into the journal of `disk` and, by provider, wait for their frame in `frames`.
`recording` wires these steps and appends the frames to files; its `recorder` begins with
an essay about all of it. After a crash `disk.recovery` restores ledger and journal.
`fetching` asks agents for missing messages; `local` reads those of this host's agents from
their spools. Only `frames.frames` needs so3g, and imports it
when the first frame is made. The package imports the faces for agent authors, the heartbeat
of `ocsd.agent`, `ocsd.bus` and `ocsd.reactor`. Begin with `recording.recorder`.
"""
