"""Stands in the way of the real bjdata in the router's processes.

crossbar's dependency bjdata is built against another numpy and prints a
traceback when it is imported, at which an operator who reads the router's log
at night would stop. autobahn does without it when it cannot be imported.
"""

raise ImportError("bjdata is kept out of the router, see ocsd/router/shadow")
