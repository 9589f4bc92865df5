"""The older name of `ocsd.ocs_client`, for scripts that have it."""

from ocsd.client.operations import OCSClient
from ocsd.client.reply import OCSReply

__all__ = ["MatchedClient", "OCSReply"]


class MatchedClient(OCSClient):
    """The same as `ocsd.ocs_client.OCSClient`, which new scripts should use."""
