from ocsd.client_http import *
