"""The access director: the agent that tells all others which password gives which level.

`configuration` reads its file, `secret` checks passwords, `state` decides about grants and tokens
(kept in `state_file`), and `agent` wires them. Begin with `agent`.
"""
