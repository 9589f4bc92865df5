"""The code that the fork server has loaded before it forks, so that what it starts is up at once.

`loading` loads it in steps, `rehearsal` plays an agent's life before the first fork, `forks` forks,
the next router before it is asked for, and `loaded` knows whether the code on the disk is still
the same.
"""
