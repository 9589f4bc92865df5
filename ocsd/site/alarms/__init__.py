"""The key `alarms:` of a host: its models, and the checks across its rules and receivers.

Loaded only for a site file that has the key. Begin with `ocsd.site.alarms.keys`.
"""
