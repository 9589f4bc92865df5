"""Run an agent whose class says that it is unsafe to fork: ``python -m ocsd.forkserver.cold``.

It starts as slowly as any Python program and shares no memory, but none of the
libraries of the fork server can get in its way.
"""

from ocsd.forkserver.child import become_anew

if __name__ == "__main__":
    become_anew()
