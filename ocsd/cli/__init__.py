"""The command line: click commands that speak to the daemon's control API.

It imports neither twisted nor numpy, for operators and scripts call it often
and `ocsd status` has to be done in a fifth of a second.
"""
