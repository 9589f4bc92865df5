"""Texts of site files."""

HUB = "hub: {wamp_server: 'ws://localhost:8001/ws'}\n"


def entries(*lines):
    body = "".join(f"      - {line}\n" for line in lines)
    return f"{HUB}hosts:\n  grumpy:\n    agent-instances:\n{body}"
