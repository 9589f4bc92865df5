from ocsd.base import *
