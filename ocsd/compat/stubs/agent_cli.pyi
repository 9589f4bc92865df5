from ocsd.compat.agent_cli import *
