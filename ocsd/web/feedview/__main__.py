"""``python -m ocsd.web.feedview``, for `ocsd view-feed`."""

import sys

from ocsd.web.feedview.process import main

sys.exit(main())
