from ocsd.site_config import *
