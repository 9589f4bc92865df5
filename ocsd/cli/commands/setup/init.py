"""`ocsd init`: write a commented site file for this machine."""

import os
import re
import shlex
import socket
from contextlib import suppress
from pathlib import Path

import click

from ocsd.cli.arguments import options
from ocsd.errors import ConfigurationError, SiteFileError, UsageError
from ocsd.system import files

_DEFAULT = Path("site-configs", "default.yaml")
_OUTPUT = Path("-")

_COMMENTED_SITE = """\
# The site file: the router, and the agents of each computer. Every key is described in
# docs/reference/site-file.md. After an edit: ocsd check, then ocsd reload.

hub:                                       # where agents and their clients meet
  wamp_server: ws://localhost:8001/ws      # for agents; other computers need this one's name here
  wamp_http: http://localhost:8001/call    # for clients and scripts
  wamp_realm: test_realm
  address_root: observatory                # addresses are observatory.<instance-id>

hosts:
  {host:<40} # `ocsd start` takes the entry with this machine's name
    crossbar: {{}}                           # this computer runs the router
    # agent-paths: [../agents]             # folders with your files ocs_plugin_*.py
    # log-dir: /var/log/lab                # where the logs are kept
    # web: {{name: Lab 1, colour: '#2060a0'}}  # the page in the browser, http://127.0.0.1:8002/

    # alarms:                                # tell people, whatever else is down
    #   rules:
    #     warm:
    #       when: fake-data1.false_temperatures.channel_00 > 5 for 30s
    #       tell: log
    #   receivers:
    #     log: {{command: logger -t alarm}}    # or mail, webhook, ntfy

    agent-instances:
      # Records what agents publish in G3 files, a new one each hour.
      - agent-class: AggregatorAgent
        instance-id: aggregator
        arguments: [--initial-state, record, --data-dir, data, --time-per-file, 3600]

      # A thermometer that needs no hardware: 4 channels, twice a second.
      - agent-class: FakeDataAgent
        instance-id: fake-data1
        arguments: [--mode, acq, --num-channels, 4, --sample-rate, 2]

      # The same, but not started until `ocsd up fake-data2`, and ended above 500 MB.
      - agent-class: FakeDataAgent
        instance-id: fake-data2
        manage: down                       # or up, which is the default, or ignore
        restart: on-failure                # or always, which is the default, or never
        limits: {{memory: 500M}}
        arguments: [--mode, idle]

      # A device at a serial port.
      # - agent-class: ArduinoAgent
      #   instance-id: arduino1
      #   arguments: [--port, /dev/ttyUSB0, --mode, acq]
      #   retry-when: file:///dev/ttyUSB0    # try again as soon as it is plugged in
"""


@options.command(
    "ocsd init",
    "ocsd init /etc/ocsd/default.yaml --host control",
    "ocsd init - | sudo tee /etc/ocsd/default.yaml",
    after="An existing file is never overwritten.",
)
@click.argument("file", metavar="[FILE]", type=click.Path(path_type=Path), default=_DEFAULT)
@click.option("--host", metavar="HOST", help="Name of the entry; by default this machine's.")
def init(file: Path, host: str | None) -> None:
    """Write a commented site file for this machine, which runs as it is.

    Without FILE it is ./site-configs/default.yaml, which all commands find by themselves. With -
    it is printed.
    """
    name = host or socket.gethostname().partition(".")[0]
    if re.fullmatch(r"[A-Za-z0-9_][\w.-]*", name, re.ASCII) is None:
        raise UsageError(f"host {name!r} needs a name of letters, digits, '-', '_'; pass --host")
    text = _text(name)
    if file == _OUTPUT:
        print(text, end="")
        return
    _write(file, text)
    print(f"wrote {file}: host {name} with a router, a recorder and two fake thermometers; next:")
    for command in _next_commands(file, host):
        print(f"  {command}")


def _text(host: str) -> str:
    """Return the file's text, with the name of the host as YAML needs it."""
    # It takes long to load.
    import yaml

    key = host
    if yaml.safe_load(host) != host:
        key = f"'{host}'"  # such as 12, no and 1.5, which would be no names
    return _COMMENTED_SITE.format(host=f"{key}:")


def _write(file: Path, text: str) -> None:
    if os.path.isdir(file):
        raise ConfigurationError(f"{file} is a folder; name a file, e.g. {file / _DEFAULT.name}")
    if os.path.lexists(file):
        raise ConfigurationError(
            f"{file} is there already and is not overwritten; edit it, or name another file"
        )
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        # At once or not at all: half a file on a full disk could not be written again.
        # `default.yaml.new` may be the operator's.
        with files.replacing(file, shared=True) as unfinished:
            unfinished.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(
            f"cannot write {file}: {error.strerror}; name a file that you may write, e.g. "
            f"ocsd init ~/{_DEFAULT.name}"
        ) from error


def _next_commands(file: Path, host: str | None) -> list[str]:
    """Return the commands for a file that was just written, with the options that they need."""
    from ocsd.site import load

    site_file = ["--site-file", str(file)]
    # Another file may come first, e.g. in $OCS_CONFIG_DIR.
    with suppress(SiteFileError):
        if load.find().absolute() == file.absolute():
            site_file = []
    entry = []
    if host:
        entry = ["--host", host]
    return [
        shlex.join(["ocsd", "check", *site_file]),
        shlex.join(["ocsd", "start", "-d", *entry, *site_file]),
        "ocsd status",
    ]
