"""An agent of a site of our own, and the file of that site."""

import argparse

TEXT = """\
hub:
  wamp_server: ws://hub:8001/ws
  wamp_http: http://hub:8001/call
  wamp_realm: test_realm
  address_root: observatory
  access_policy: none
hosts:
  grumpy:
    log-dir: /var/log/lab
    crossbar_timeout: 7
    wamp_realm: grumpy_realm
    agent-instances:
      - {agent-class: Thermometer, instance-id: thermo1, arguments: [[--mode, acq], --rate, 4]}
      - {agent-class: Fake, instance-id: fake1, arguments: [--mode, acq]}
      - {agent-class: Fake, instance-id: fake2, arguments: [--pv, a, --pv, b]}
"""


def a_parser():
    parser = argparse.ArgumentParser(prog="agent.py")
    group = parser.add_argument_group("Agent Options")
    group.add_argument("--mode", choices=["idle", "acq"], default="idle")
    group.add_argument("--rate", type=float)
    group.add_argument("--pv", action="append")
    return parser
