from ocsd.compat.ocs_systemd import *
