"""The registry: knows every agent of the site by its heartbeat.

`table` holds the rules, `agent` puts them on the router: in the daemon, or in a process of
its own where the site file lists a RegistryAgent. The package stands on the faces for agent
authors. Begin with `table`.
"""
