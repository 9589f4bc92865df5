"""A program that talks to the page's API as a browser does."""

import contextlib
import http.client
import json
import threading
import time
from urllib.parse import urlencode, urlsplit


class Browser:
    """Talks to a page at a URL."""

    def __init__(self, url):
        parts = urlsplit(url)
        self.host, self.port = parts.hostname, parts.port

    def ask(self, path, method="GET", body=None, headers=None, limit_s=20, **params):
        """Return status, headers and content of an answer."""
        query = urlencode(params, doseq=True)
        target = f"/api/v1/{path}" if not path.startswith("/") else path
        connection = http.client.HTTPConnection(self.host, self.port, timeout=limit_s)
        with contextlib.closing(connection):
            content = None if body is None else json.dumps(body)
            kind = {} if body is None else {"content-type": "application/json"}
            connection.request(
                method,
                f"{target}?{query}" if query else target,
                content,
                {**kind, **(headers or {})},
            )
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return answer.status, names, answer.read()

    def get(self, path, **params):
        """Return an answer in JSON, which has to be one of success."""
        status, _, content = self.ask(path, **params)
        assert status == 200, content
        return json.loads(content)

    def post(self, path, body):
        """Return the status and the answer, in JSON, to a change."""
        status, _, content = self.ask(path, "POST", body)
        return status, json.loads(content)

    def refused(self, path, **options):
        """Return the status and the words with which a request is refused."""
        status, _, content = self.ask(path, **options)
        return status, json.loads(content)["error"]["message"]

    @contextlib.contextmanager
    def listening(self, path, **params):
        """Yield the events of a stream, as a list that grows."""
        events, connection = [], http.client.HTTPConnection(self.host, self.port, timeout=30)
        query = urlencode(params, doseq=True)
        connection.request("GET", f"/api/v1/{path}?{query}")
        stream = connection.sock
        answer = connection.getresponse()
        assert answer.status == 200, answer.read()

        def read():
            name = None
            with contextlib.suppress(OSError, ValueError, AttributeError):
                for line in answer:
                    text = line.decode().rstrip("\n")
                    if text.startswith("event: "):
                        name = text.removeprefix("event: ")
                    elif text.startswith("data: "):
                        events.append((name, json.loads(text.removeprefix("data: ")), time.time()))

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        try:
            yield events
        finally:
            with contextlib.suppress(OSError):
                stream.shutdown(2)
            connection.close()
            reader.join(10)
