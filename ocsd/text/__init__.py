"""Text for people: the nearest spelling of a wrong word, and reasons that fit into a line.

Command line, daemon, agents and site file share these functions. This package imports
nothing of ocsd. Begin with `nearest`.
"""
