"""Clients for scripts, under the name that OCS gives it."""

from ocsd.system.garbage import loaded

with loaded():
    from ocsd.client.operations import OCSClient
    from ocsd.client.reply import OCSReply

__all__ = ["OCSClient", "OCSReply"]
