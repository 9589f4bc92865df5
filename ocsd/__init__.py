"""One supervisor daemon per host for the Observatory Control System.

Importing this package is cheap: the command line and the fork server import it
before anything else, so it loads neither twisted nor numpy.
"""

from ocsd.base import ERROR, OK, TIMEOUT, OpCode, ResponseCode

__version__ = "0.1.0"

__all__ = ["ERROR", "OK", "TIMEOUT", "OpCode", "ResponseCode", "__version__"]
