from ocsd.ocs_twisted import *
