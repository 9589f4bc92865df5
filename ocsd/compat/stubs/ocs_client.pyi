from ocsd.ocs_client import *
