"""A small real server that speaks the fork server's protocol."""

import socket
import threading

from ocsd.forkserver.protocol import Ended, EndRequest, Hello, LineBuffer, Spawned, encode


class StandInServer:
    """Speaks the fork server's protocol; its processes end when they are asked to."""

    def __init__(self, path, *names):
        path.parent.mkdir(exist_ok=True)
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(path))
        self._listener.listen()
        self._hello = Hello(1, 1, tuple(Spawned(n, 100 + i, 1) for i, n in enumerate(names)), ())
        self.requests = []
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while not (self.requests and isinstance(self.requests[-1], EndRequest)):
            connection, _ = self._listener.accept()
            with connection:
                self._talk(connection)
        self._listener.close()

    def _talk(self, connection):
        received = LineBuffer()
        try:
            connection.sendall(encode(self._hello))
            while data := connection.recv(4096):
                for request in received.feed(data):
                    self.requests.append(request)
                    if isinstance(request, EndRequest):
                        return
                    ended = Ended(request.instance_id, request.pid, None, request.signal)
                    connection.sendall(encode(ended))
        except ConnectionError:
            pass  # it only looked whether somebody listens

    def join(self):
        self._thread.join(10)
        assert not self._thread.is_alive()
