"""Output for people: tables, colours, progress bars, units and times.

The room imports no other room of the command line. Begin with `terminal`.
"""
