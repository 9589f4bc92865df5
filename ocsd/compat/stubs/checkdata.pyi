from ocsd.data.checkdata import *
