"""`ocsd data push` to a server of HTTP that takes everything, or nothing."""

import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from ocsd.cli.main import main
from ocsd.errors import SeveralDaemonsError
from ocsd.export.databases import push
from tests.unit.data.recorded import every, samples, sound


class Taking(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.lines += body.splitlines()
        status = 200
        if "/write" in self.path and self.server.refuses in body:
            status = self.server.status
        self.send_response(status)
        self.end_headers()

    def log_message(self, *_words):
        pass


@pytest.fixture
def server():
    made = HTTPServer(("127.0.0.1", 0), Taking)
    made.lines, made.status, made.refuses = [], 204, ""
    thread = threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield made
    made.shutdown()
    thread.join()
    made.server_close()


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path / "run"))
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.delenv("OCS_CONFIG_DIR", raising=False)
    sound(tmp_path / "data", samples(every(1, 20), channel_00=[0.5] * 20, label=["on"] * 20))

    def run(*words, code=0):
        assert main(["data", "push", *map(str, words)]) == code, capsys.readouterr()
        return capsys.readouterr()

    return run


def address(server):
    return f"http://127.0.0.1:{server.server_port}/feeds"


def test_everything_is_sent_and_counted(run, server):
    out = run("--to", address(server)).out
    assert out.startswith(
        "40 values in 20 lines were sent of 1 file to database feeds at http://127"
    )
    assert len(server.lines) == 20


@pytest.mark.parametrize("words", [["--since", "2026-11-23"], ["--folder", "empty"]])
def test_without_any_data_the_exit_code_is_4(run, server, tmp_path, words):
    (tmp_path / "empty").mkdir()
    told = run("--to", address(server), *words, code=4)
    assert "nothing was sent: no files in" in told.err
    answer = json.loads(run("--to", address(server), *words, "--json", code=4).out)
    assert answer["values"] == 0


def test_fields_and_times_are_picked(run, server, tmp_path):
    words = [
        "channel_00",
        "--since",
        "2026-11-22T06:17:15Z",
        "--folder",
        tmp_path / "data",
        "--json",
    ]
    answer = json.loads(run("--to", address(server), *words).out)
    assert (answer["values"], answer["lines"], answer["refused"]) == (10, 10, {})
    assert answer["folders"] == [str(tmp_path / "data")]
    assert "label" not in "".join(server.lines)
    assert len(server.lines) == 10
    assert json.loads(run("--to", address(server), "temps", "--json").out)["values"] == 40
    assert "no data of 'temperature'" in run("--to", address(server), "temperature", code=4).err


def test_a_writer_of_the_site_file_names_the_database(run, server, tmp_path):
    arguments = f"['--host', '127.0.0.1', '--port', '{server.server_port}']"
    entry = f"{{agent-class: InfluxDBAgent, instance-id: influx, arguments: {arguments}}}"
    site = f"hosts: {{lab: {{agent-instances: [{entry}]}}}}\n"
    (tmp_path / "site.yaml").write_text(f"hub: {{wamp_server: 'ws://x/ws'}}\n{site}")
    run("--to", "influx", "--site-file", tmp_path / "site.yaml", "--folder", tmp_path / "data")
    assert len(server.lines) == 20
    err = run("--to", "nobody", code=2).err
    assert "neither an address nor an instance" in err
    assert "http://HOST:8086/DATABASE" in err


@pytest.mark.parametrize("words", [[], ["--host", "lab"]])
def test_the_site_file_of_the_running_daemon_names_the_writer(
    run, server, tmp_path, ocsd, daemon_of, monkeypatch, words
):
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(ocsd.runtime))
    arguments = f"['--host', '127.0.0.1', '--port', '{server.server_port}']"
    entry = f"{{agent-class: InfluxDBAgent, instance-id: influx, arguments: {arguments}}}"
    site = f"hosts: {{lab: {{agent-instances: [{entry}]}}}}\n"
    (tmp_path / "site.yaml").write_text(f"hub: {{wamp_server: 'ws://x/ws'}}\n{site}")
    daemon_of("lab").status["site_file"] = str(tmp_path / "site.yaml")
    run("--to", "influx", "--folder", tmp_path / "data", *words)
    assert len(server.lines) == 20
    daemon_of("other")
    if not words:
        err = run(
            "--to", "influx", "--folder", tmp_path / "data", code=SeveralDaemonsError.exit_code
        ).err
        assert "--host" in err


def test_refused_lines_end_with_code_1(run, server):
    server.status, server.refuses = 400, "label="
    out = run("--to", address(server), code=1).out
    assert "refused: 20 lines of observatory.thermo1, the last because: answer 400" in out


def test_a_database_that_is_away_ends_with_code_69(run, server, monkeypatch):
    monkeypatch.setattr(push, "AWAY_LIMIT_S", -1.0)
    server.status = 503
    err = run("--to", address(server), code=69).err
    assert "answers 503" in err
    assert "give the same command again" in err


def test_the_help_of_data_names_it(capsys):
    assert main(["data", "push", "--help"]) == 0
    assert "--to DATABASE" in capsys.readouterr().out
