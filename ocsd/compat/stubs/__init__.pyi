# In a process that ocsd starts, and where the published package is not installed, `ocs` is ocsd.
from ocsd import ERROR as ERROR
from ocsd import OK as OK
from ocsd import TIMEOUT as TIMEOUT
from ocsd import OpCode as OpCode
from ocsd import ResponseCode as ResponseCode
from ocsd import __version__ as __version__
