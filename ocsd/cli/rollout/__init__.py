"""The talk to hosts about a new site file: `ocsd site plan`, `apply` and `push`.

`port` is one host, `looking` asks all of them what the file would change, `steps` carries out what
`ocsd.rollout` decides, `driving` brings both together, and `report` says how it goes. Begin with
`driving`.
"""
