"""A site of OCS with much that is old in it."""

from ocsd.migration.world import World

SITE = """\
# The lab's site, since 2019.
hub:
  wamp_server: ws://localhost:8001/ws
  wamp_realm: test_realm
  registry_agent: observatory.registry   # of OCS 0.6
hosts:
  daq-1: {
    'crossbar': {'bin': '/usr/local/bin/crossbar', 'config-dir': '/home/ocs/.crossbar/'},
    'agent-paths': ['/home/ocs/git/socs/agents'],
    'agent-instances': [
      {'agent-class': 'HostManager', 'instance-id': 'hm-daq-1', 'arguments': []},
      {'agent-class': 'AggregatorAgent', 'instance-id': 'aggregator',
       'arguments': [['--data-dir', '/data']]},
      {'agent-class': 'Lakeshore240Agent', 'instance-id': 'LSA11AA', 'manage': 'docker',
       'arguments': [['--serial-number', 'LSA11AA'], ['--mode', 'acq']]},
      {'agent-class': 'FakeDataAgent', 'instance-id': 'fake1', 'manage': yes,
       'arguments': [['--mode', 'acq'], ['--num-channels', 010], ['--x', True]]},
    ]
  }
  daq-1-docker:
    log-dir: /log/old
    log-dir: /log
    agent-instances:
    - agent_class: Lakeshore240Agent
      instance-id: LSA11AA
      arguments:
      - ['--serial-number', 'LSA11AA']
      room: B12
  empty:
"""

WRITTEN = """\
# The lab's site, since 2019.
hub:
  address_root: observatory
  wamp_http: http://localhost:8001/call
  wamp_server: ws://localhost:8001/ws
  wamp_realm: test_realm
  x-registry_agent: observatory.registry   # of OCS 0.6
hosts:
  daq-1: {
    'crossbar': {'x-bin': '/usr/local/bin/crossbar', 'x-config-dir': '/home/ocs/.crossbar/'},
    'agent-paths': ['/home/ocs/git/socs/agents'],
    'agent-instances': [
      {'agent-class': 'HostManager', 'instance-id': 'hm-daq-1', 'arguments': [--docker-compose, /srv/dc.yaml]},
      {'agent-class': 'AggregatorAgent', 'instance-id': 'aggregator',
       'arguments': [['--data-dir', '/data']]},
      {'agent-class': 'Lakeshore240Agent', 'instance-id': 'LSA11AA', 'manage': 'docker',
       'arguments': [['--serial-number', 'LSA11AA'], ['--mode', 'acq']]},
      {'agent-class': 'FakeDataAgent', 'instance-id': 'fake1', 'manage': up,
       'arguments': [['--mode', 'acq'], ['--num-channels', '8'], ['--x', True]]},
    ]
  }
  daq-1-docker:
    x-log-dir: /log/old
    log-dir: /log
    agent-instances:
    - agent-class: Lakeshore240Agent
      instance-id: LSA11AA
      arguments:
      - ['--serial-number', 'LSA11AA']
      x-room: B12
  empty: {agent-instances: []}
"""  # noqa: E501

COMPOSE = """\
version: '3.7'
services:
  crossbar:
    image: simonsobs/ocs-crossbar:v0.11.3
    ports: ["127.0.0.1:8001:8001"]
  influxdb:
    image: influxdb:1.7
  ocs-LSA11AA:
    image: simonsobs/socs:v0.6.4
    restart: always
    environment:
      - INSTANCE_ID=LSA11AA
  smurf:
    image: simonsobs/socs
    command: ["--instance-id=pysmurf-monitor"]
"""

UNIT = """\
[Unit]
Description=OCS HostManager for daq-1

[Service]
ExecStart=/home/ocs/site/launcher-hm-daq-1.sh
User=telescope
Environment=TZ=UTC

[Install]
WantedBy=multi-user.target
"""

LAUNCHER = """\
#!/bin/bash
SITE_FILE=/home/ocs/site/default.yaml
PYTHON=/opt/ocs/bin/python3
export LD_LIBRARY_PATH=/opt/vendor/lib
${PYTHON} -m ocs.agent_cli \\
  --site-file=${SITE_FILE} \\
  --instance-id=hm-daq-1  \\
  --site-host=daq-1  \\
  --docker-compose=/srv/dc.yaml
"""

NODE = """\
{
  "version": 2,
  "workers": [{
    "type": "router",
    "realms": [{"name": "test_realm", "roles": []}, {"name": "lab", "roles": []}],
    "transports": [{
      "type": "web",
      "endpoint": {"type": "tcp", "port": 8001},
      "paths": {
        "ws": {"type": "websocket", "auth": {"anonymous": {}}},
        "call": {"type": "caller", "realm": "test_realm"},
        "/": {"type": "static", "directory": "/srv/www"}
      }
    }]
  }]
}
"""


def world(*, programs=(), folders=(), nodes=(), classes=None, logs=""):
    """Return a machine that has these, and all classes unless they are listed."""
    return World(
        has_program=lambda name: name in programs,
        has_folder=lambda name: name in folders,
        has_node_config=lambda name: name in nodes,
        why_no_class=lambda name: "" if classes is None or name in classes else f"no {name} here",
        logs_folder=logs,
    )
