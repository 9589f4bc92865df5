from ocsd.testing import *
