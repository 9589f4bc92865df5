"""Write what the agents of a site publish into G3 files.

Messages of recorded feeds come in through ``agent``, are checked (``message``),
counted (``sequence``), collected by provider (``provider``, ``columns``), turned
into frames (``frames``) and appended to files (``archive``); ``recorder`` wires
these and is the one place that knows the order. Only ``frames`` needs so3g, and
imports it when the first frame is made.
"""
