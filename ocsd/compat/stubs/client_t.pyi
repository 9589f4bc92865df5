from ocsd.client_t import *
