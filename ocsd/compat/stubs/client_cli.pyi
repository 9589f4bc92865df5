from ocsd.compat.client_cli import *
