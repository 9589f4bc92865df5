from ocsd.ocs_agent import *
