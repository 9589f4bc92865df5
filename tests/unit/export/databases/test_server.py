"""Writing over HTTP: what is sent, and what becomes of the answers."""

import base64
import gzip
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ocsd.errors import AgentArgumentsError
from ocsd.export.databases.delivery import LinesRefusedError
from ocsd.export.databases.destination import DatabaseAwayError
from ocsd.export.databases.server import HttpDatabase, influxdb_1, influxdb_2


class Answers(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.seen.append((self.path, dict(self.headers), body))
        status, text = self.server.answer
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_words):
        pass


@pytest.fixture
def server():
    made = HTTPServer(("127.0.0.1", 0), Answers)
    made.seen, made.answer = [], (204, b"")
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def database(server):
    made = HttpDatabase(v1(server.server_port), limit_s=5)
    yield made
    made.close()


def v1(port, environment=None, **more):
    options = {"uses_tls": False, "verifies": False, "compresses": False, **more}
    return influxdb_1(
        host="127.0.0.1", port=port, database="feeds", environment=environment or {}, **options
    )


def test_version_1_is_asked_to_make_the_database_and_gets_lines(server, database):
    server.answer = 200, b"{}"
    database.prepare()
    database.write("m a=1 1\nm a=2 2")
    (made, _, _), (path, headers, body) = server.seen
    assert made == "/query?q=CREATE+DATABASE+%22feeds%22"
    assert path == "/write?db=feeds&precision=ns"
    assert body == b"m a=1 1\nm a=2 2"
    assert headers["Authorization"] == "Basic " + base64.b64encode(b"root:root").decode()


def test_a_database_that_cannot_be_made_is_told_though_the_answer_is_200(server, database):
    server.answer = 200, b'{"results": [{"statement_id": 0, "error": "no space left on device"}]}'
    with pytest.raises(DatabaseAwayError, match="answers 200: no space left on device"):
        database.prepare()


def test_lines_may_be_compressed(server):
    database = HttpDatabase(v1(server.server_port, compresses=True), limit_s=5)
    database.write("m a=1 1")
    database.close()
    _, headers, body = server.seen[0]
    assert headers["Content-Encoding"] == "gzip"
    assert gzip.decompress(body) == b"m a=1 1"


def test_version_2_takes_its_place_and_its_token_from_the_environment(server):
    told = {"URL": f"http://127.0.0.1:{server.server_port}/db/", "ORG": "lab", "TOKEN": "secret"}
    environment = {f"INFLUXDB_V2_{key}": value for key, value in (told | {"BUCKET": "b"}).items()}
    endpoint = influxdb_2(compresses=False, environment=environment)
    assert "secret" not in repr(endpoint)
    with_user = influxdb_2(
        compresses=False,
        environment={"INFLUXDB_V2_BUCKET": "b", "INFLUXDB_V2_URL": "http://me:secret@influx/db"},
    )
    assert HttpDatabase(with_user).name == "http://influx/db"
    database = HttpDatabase(endpoint, limit_s=5)
    database.prepare()
    database.write("m a=1 1")
    database.close()
    path, headers, _ = server.seen[0]
    assert path == "/db/api/v2/write?org=lab&bucket=b&precision=ns"
    assert headers["Authorization"] == "Token secret"


def test_a_missing_bucket_is_told_with_the_variables():
    with pytest.raises(AgentArgumentsError, match="INFLUXDB_V2_BUCKET is not set"):
        influxdb_2(compresses=False, environment={})


def test_user_and_password_may_stand_in_files(tmp_path):
    (tmp_path / "password").write_text("long\n")
    environment = {"INFLUXDB_USERNAME": "me", "INFLUXDB_PASSWORD_FILE": str(tmp_path / "password")}
    endpoint = v1(1, environment)
    assert endpoint.authorization == "Basic " + base64.b64encode(b"me:long").decode()
    environment["INFLUXDB_PASSWORD_FILE"] = str(tmp_path / "none")
    with pytest.raises(AgentArgumentsError, match="INFLUXDB_PASSWORD_FILE"):
        v1(1, environment)


@pytest.mark.parametrize("status", [400, 413, 422])
def test_an_answer_about_the_lines_is_a_refusal(server, database, status):
    server.answer = status, b'{"error": "partial write:\\n dropped=1"}'
    with pytest.raises(LinesRefusedError, match="partial write: dropped=1"):
        database.write("m a=1 1")


@pytest.mark.parametrize(
    ("status", "advice"),
    [(401, "correct its user"), (403, "the right to write"), (404, "create what"), (500, "full")],
)
def test_any_other_answer_is_tried_again_later(server, database, status, advice):
    server.answer = status, b"the disk is full"
    with pytest.raises(DatabaseAwayError, match=f"answers {status}: the disk is full"):
        database.write("m a=1 1")
    with pytest.raises(DatabaseAwayError, match=advice):
        database.write("m a=1 1")


def test_a_server_that_is_not_there_is_told_by_its_address(server):
    port = server.server_port
    database = HttpDatabase(v1(port), limit_s=5)
    server.shutdown()
    server.server_close()
    with pytest.raises(DatabaseAwayError, match=rf"at http://127.0.0.1:{port} does not answer"):
        database.write("m a=1 1")
