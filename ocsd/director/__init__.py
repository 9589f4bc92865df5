"""The access director: the agent that tells all others which password gives which level.

`configuration` reads its file, `grants` holds the rules of exclusive access, `tokens` stands in
for passwords with a strong hash, `state` is what outlives the process, and `agent` wires them.
Begin with `agent`.
"""
