"""Instances that Docker or podman runs: what `ocsd.containers` decides, carried out.

`engine` speaks to Docker's HTTP API, `commands` runs docker compose. `files` keeps the compose
files as docker compose reads them, `looks` the containers as they are, `starts` brings containers
up, `stops` ends them, `logs` copies their output into the logs of their instances, `upkeep` pulls
images and removes orphans. `supervision` joins these to the keepers; begin there. It is loaded
only on a host whose HostManager entry has ``--docker-compose``.
"""
