"""Calls to agents over HTTP, under the name that OCS gives it."""

from ocsd.client.http import ControlClient, ControlClientError

__all__ = ["ControlClient", "ControlClientError"]
