from ocsd.ocs_feed import *
