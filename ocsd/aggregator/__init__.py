"""Write what the agents of a site publish into G3 files, and lose nothing.

A message comes in through ``agent``, is checked (``message``; what is refused goes
to ``quarantine``), found new by its number (``sequence``, ``ledger``) and packed
(``layout``, ``columns``). The same bytes go into the journal (``journal``,
``journal_writer``) and, by provider (``source``, ``provider``), wait for their frame
(``frames``), which ``filing`` appends to a file (``archive``) and notes in the
journal. ``recorder`` wires these and is the one place that knows the order.

After a crash ``recovery`` makes the same state of ledger and journal again. ``upkeep``
waits for the disk and deletes what is not needed any more, in a thread; ``pause``
knows what to do while the disk refuses. ``catching_up`` asks agents for what did not
come. Only ``frames`` needs so3g, and imports it when the first frame is made.
"""
