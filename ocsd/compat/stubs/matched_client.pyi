from ocsd.matched_client import *
