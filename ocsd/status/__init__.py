"""The daemon's answers as values, and the verdict on a host: for the command line and the page.

Begin with `ocsd.status.verdict`.
"""
