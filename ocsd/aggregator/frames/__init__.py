"""Packed blocks that wait for their frame, and the frames themselves.

`source` is one feed in one life of its agent, `provider` collects the blocks for one frame,
`frames` makes G3 frames of them, `schema` holds the names and numbers of the file format,
`heap` gives memory back. The room imports `incoming` and `numbers`. Begin with `provider`.
"""
