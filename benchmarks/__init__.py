"""ocsd beside OCS: the same site, the same router, the same stop watch."""

import sys

# autobahn imports it where it is installed, and a numpy newer than its extension
# makes it print a traceback. The Observer speaks CBOR. None: not importable.
sys.modules.setdefault("bjdata", None)  # type: ignore[arg-type]
