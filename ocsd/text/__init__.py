"""Text for people: times, sizes, printable lines, short reasons, the nearest right word.

Command line, daemon, agents and site file share these functions. This package imports
nothing of ocsd. Begin with `nearest`.
"""
