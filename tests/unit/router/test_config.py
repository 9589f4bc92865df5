"""crossbar's configuration follows from the hub."""

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from ocsd.errors import RouterError
from ocsd.router import config
from ocsd.site.model import Hub

SOCKET = Path("/run/ocsd/lab/router.sock")


def hub(server="ws://localhost:8001/ws", http="http://localhost:8001/call"):
    return Hub(wamp_server=server, wamp_http=http, wamp_realm="r", address_root="lab")


def transports(a_hub):
    return config.node_config(a_hub, SOCKET)["workers"][0]["transports"]


def test_the_usual_hub_gets_one_loopback_port_and_a_raw_socket():
    web, raw = transports(hub())
    assert web["endpoint"] == {
        "type": "tcp",
        "port": 8001,
        "backlog": 1024,
        "interface": "127.0.0.1",
    }
    assert {path: each["type"] for path, each in web["paths"].items()} == {
        "ws": "websocket",
        "call": "caller",
    }
    assert (raw["type"], raw["endpoint"]["path"]) == ("rawsocket", str(SOCKET))


def test_the_bridge_has_no_limit_that_crossbar_refuses():
    web, _raw = transports(hub())
    limit = web["paths"]["call"].get("options", {}).get("post_body_limit", 0)
    assert limit <= 2**20


def test_a_bridge_on_a_port_of_its_own_gets_its_own_transport():
    first, second, _raw = transports(hub(http="http://localhost:8002/api/call"))
    assert (first["endpoint"]["port"], second["endpoint"]["port"]) == (8001, 8002)
    assert "api/call" in second["paths"]


def test_a_hub_that_other_hosts_reach_listens_at_its_address_and_on_loopback_only():
    reached = hub("ws://hub.example.org/ws", "http://hub.example.org/call")
    found = config.node_config(reached, SOCKET, find=lambda *_: ["10.0.0.5"])
    first, second, _raw = found["workers"][0]["transports"]
    assert first["endpoint"] == {
        "type": "tcp",
        "port": 80,
        "backlog": 1024,
        "interface": "10.0.0.5",
    }
    assert second["endpoint"]["interface"] == "127.0.0.1"


def test_realm_and_address_root_are_the_sites():
    realm = config.node_config(hub(), SOCKET)["workers"][0]["realms"][0]
    assert realm["name"] == "r"
    assert realm["roles"][0]["permissions"][0]["uri"] == "lab."


def test_the_configuration_is_written_as_json(tmp_path):
    config.write(tmp_path / "router", hub(), SOCKET)
    written = json.loads((tmp_path / "router" / "config.json").read_text())
    assert written == config.node_config(hub(), SOCKET)


def test_a_crossbar_of_the_site_file_that_is_not_there_gives_way_to_the_own_one(tmp_path):
    own = config.find_crossbar(None)
    assert config.find_crossbar(str(tmp_path / "crossbar")) == own
    assert config.find_crossbar("/bin/true") == "/bin/true"


def test_a_missing_crossbar_is_refused_with_the_command_that_brings_it(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(RouterError, match=r"pip install 'ocsd\[router\]'"):
        config.find_crossbar(str(tmp_path / "crossbar"))


def test_the_keys_of_an_earlier_crossbar_are_made_anew(tmp_path):
    for name in ("key.priv", "key.pub"):
        (tmp_path / name).write_text("public-adr-eth: 0x1\n")
    config.write(tmp_path, hub(), SOCKET)
    assert [path.name for path in tmp_path.iterdir()] == ["config.json"]


def test_another_crossbar_than_ocsds_is_started_as_it_is(tmp_path):
    program = str(tmp_path / "crossbar")
    words = ("start", "--cbdir", str(tmp_path), "--loglevel", "warn")
    assert config.start(program, tmp_path) == ((program, *words), {})


def printed(program, folder):
    """Return what a program prints with the search path of ocsd's own crossbar."""
    own = config.start(str(Path(sys.executable).parent / "crossbar"), folder).environment
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=os.environ | own,
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@pytest.mark.skipif(find_spec("crossbar") is None, reason="crossbar is not installed")
def test_the_router_loads_neither_blockchains_nor_numpy(tmp_path):
    program = (
        "import sys, crossbar.node.main, crossbar.worker.main, crossbar.worker.router\n"
        "import crossbar.edge.worker.router, xbr.anything\n"
        "unwanted = {'py_ecc', 'pydantic', 'aiohttp', 'bjdata', 'numpy._core'}\n"
        "print(*sorted(unwanted & set(sys.modules)))\n"
        "try: xbr.anything.Name.method()\n"
        "except NotImplementedError as error: print(error)\n"
    )
    assert (
        printed(program, tmp_path)
        == "\nocsd's router runs without blockchains: ocsd/router/shadow\n"
    )


@pytest.mark.skipif(find_spec("crossbar") is None, reason="crossbar is not installed")
def test_the_router_loads_templates_when_a_page_is_made(tmp_path):
    (tmp_path / "page.html").write_text("<b>{{ what }}</b>")
    program = (
        "import sys, crossbar.node.main, crossbar.worker.controller as controller\n"
        "loader = controller.jinja2.FileSystemLoader(['.'])\n"
        "pages = controller.SandboxedEnvironment(loader=loader, autoescape=True)\n"
        "page = pages.get_template('page.html')\n"
        "print(any(name.startswith('jinja2.lexer') for name in sys.modules))\n"
        "print(page.render(what='<i>'), page.render(what='it'))\n"
    )
    assert printed(program, tmp_path) == "False\n<b>&lt;i&gt;</b> <b>it</b>\n"


@pytest.mark.skipif(find_spec("crossbar") is None, reason="crossbar is not installed")
def test_the_worker_of_a_router_draws_no_picture_of_a_key(tmp_path):
    program = (
        "import sys, crossbar.node.main, crossbar.common.key as key\n"
        "told = key._read_release_key()\n"
        "print(len(told['hex']), repr(told['qrcode']), 'PIL' in sys.modules)\n"
    )
    assert printed(program, tmp_path) == "64 '' False\n"


@pytest.mark.skipif(find_spec("crossbar") is None, reason="crossbar is not installed")
def test_what_both_processes_of_a_router_need_is_imported_without_a_reactor(tmp_path):
    program = (
        "import sys\n"
        "from ocsd.router import crossbar_node\n"
        "crossbar_node.preload()\n"
        "before = set(sys.modules)\n"
        "print('twisted.internet.reactor' in before)\n"
        "import crossbar.worker.main, crossbar.edge.worker.router, twisted.web.proxy\n"
        "print(*sorted(set(sys.modules) - before))\n"
        "print(twisted.web.proxy.reactor.seconds() > 0)\n"
    )
    assert printed(program, tmp_path) == "False\n\nTrue\n"
