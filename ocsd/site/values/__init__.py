"""The values of a site file that agents use, without pydantic: only who reads a file loads it.

pydantic, and the models of a site file (`ocsd.site.model`), take a quarter of all that a process
of ocsd loads. An agent gets values that the daemon has checked.
"""
