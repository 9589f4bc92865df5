"""The commands in one line each, for `ocsd --help`, which then loads none of them.

A test compares the lines with the docstrings of the commands.
"""

SHORT_HELP = {
    "start": "Bring up a host: router, registry, aggregator and agents.",
    "stop": "End agents, router and daemon of this host.",
    "status": "Show the state of this host's instances.",
    "top": "Show this host on the full screen, with keys for why, logs and restart.",
    "up": "Bring instances up and keep them up.",
    "down": "Bring instances down and keep them down.",
    "restart": "Stop instances and start them again.",
    "upgrade": "Replace the running daemon by the installed version.",
    "why": "Show why instances are in their state, and what led to it.",
    "history": "Show the events of this host's instances, and how available the instances were.",
    "audit": "Show who did what on this host, or was refused, and check the record.",
    "reload": "Read the site file again, and start, restart and end what it changed.",
    "logs": "Print the end of the logs of instances, or of everything on this host.",
    "loglevel": "Change how much agents log from now on, also after a restart.",
    "ops": "List the operations of agent NAME, or show all about OP.",
    "call": "Call operation OP of agent NAME.",
    "listen": "Print the messages of FEED until Ctrl-C.",
    "hook": "Try a hook of this host, or list the hooks.",
    "alarm": "See the alarms of this host, acknowledge, silence and try them.",
    "values": "Show the latest value of each field that agents publish.",
    "view-feed": "Show the last hour of one feed in a browser and in Grafana.",
    "data": "List, check, export, plot, copy and push recorded data.",
    "run": "Run one agent of the site in the foreground, for its author.",
    "init": "Write a commented site file for this machine, which runs as it is.",
    "new": "Make the folder of a new agent, with driver, simulator and tests.",
    "check": "Check a site file and find every agent class that it names.",
    "migrate": "Read a site of OCS, and say what becomes of each line of it under ocsd.",
    "site": "Take one site file to all hosts: see what it changes, then apply it.",
    "access": "Close the site to strangers: keys, people, and what each may do.",
    "install": "Have systemd start this host at every boot.",
    "completion": "Print the completion script for a shell.",
    "docs": "Show the documentation of the installed version, or find words in it.",
}
