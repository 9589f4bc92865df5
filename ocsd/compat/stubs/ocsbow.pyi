from ocsd.compat.ocsbow import *
