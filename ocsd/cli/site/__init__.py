"""Other hosts of the site: asked and commanded from here (docs/run/sites.md).

`far` reaches a host through the daemon of this one, or through the router; `elsewhere` finds the
hosts that a command line means and runs it there; `whole` shows all hosts. No module of it is
loaded by a command that this host answers alone. Begin with `far`.
"""
