"""What Python, twisted, autobahn and crossbar cost by themselves, beside ocsd and OCS."""

import sys

# autobahn imports it where it is installed, and with it numpy, which the bare libraries do without.
sys.modules.setdefault("autobahn.flatbuffers", None)  # type: ignore[arg-type]
