"""A closed site that is used wrongly: one clear sentence to the person, one line in the audit."""

import re
import shutil
import time
from pathlib import Path

import pytest
import yaml

from ocsd.access.certificates import make_authority
from tests.system import namespaces
from tests.system.attacks.scene import HUB, ROUTER_PORT
from tests.system.waiting import wait_until

_OBSTACLE = namespaces.obstacle()
FAKETIME = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"), None)
pytestmark = [
    pytest.mark.system,
    pytest.mark.skipif(_OBSTACLE is not None, reason=str(_OBSTACLE)),
]
DAY_S = 86400


@pytest.fixture(scope="module")
def desk(scene):
    """The machine of an operator, with his login and the site file, and nothing else."""
    desk = scene.elsewhere
    content = {"hub": HUB, "hosts": {}}
    desk.site_file.write_text(yaml.safe_dump(content))
    shutil.copy(scene.store.authority_file, desk.folder / "ca.pem")
    (desk.folder / "password").touch(0o600)
    (desk.folder / "password").write_text(scene.passwords["otto"] + "\n")
    desk.extra_environment = {
        "OCSD_USER": "otto",
        "OCSD_PASSWORD_FILE": str(desk.folder / "password"),
        "OCSD_CA_FILE": str(desk.folder / "ca.pem"),
    }
    return desk


def look(desk, **environment):
    """Call an operation as an operator does; return the finished command."""
    words = ("call", "dome", "look", "--site-file", desk.site_file)
    return desk.ocsd(*words, environment=environment)


def sentence(done):
    """Return the one line with which a command was refused."""
    assert done.returncode not in (0, 2), done.stdout
    assert "Traceback" not in done.stderr
    [line] = done.stderr.splitlines()
    return line


def refusals(scene, since_at, **wanted):
    """Return the entries of the audit about refused logins, from a time on."""
    return [
        entry
        for entry in scene.audit()
        if entry["at"] >= since_at - 1
        and entry["outcome"] == "refused"
        and entry["action"] in ("join", "call")
        and wanted.items() <= entry.items()
    ]


def test_an_operator_with_a_login_gets_in(scene, desk):
    begun_at = time.time()
    done = look(desk)
    assert done.returncode == 0, done.stderr
    wanted = {"target": "dome.look", "person": "otto", "role": "operator"}
    wait_until(
        lambda: any(
            each["at"] > begun_at and wanted.items() <= each.items() for each in scene.audit()
        ),
        "the audit",
    )


def test_a_wrong_password(scene, desk):
    wrong = desk.folder / "wrong"
    wrong.touch(0o600)
    wrong.write_text("wrong\n")
    begun_at = time.time()
    line = sentence(look(desk, OCSD_PASSWORD_FILE=str(wrong)))
    assert "otto" in line or "name or the password" in line
    wait_until(lambda: refusals(scene, begun_at, target="otto"), "the audit")


def test_a_password_file_that_others_may_read(desk):
    file = desk.folder / "for-all"
    file.write_text("x\n")
    file.chmod(0o644)
    line = sentence(look(desk, OCSD_PASSWORD_FILE=str(file)))
    assert f"chmod 600 {file}" in line


def test_a_foreign_certificate(desk):
    foreign = desk.folder / "foreign.pem"
    foreign.write_bytes(make_authority("another site", time.time()).certificate)
    line = sentence(look(desk, OCSD_CA_FILE=str(foreign)))
    assert re.search("certificate|authority", line)
    assert str(foreign) in line or "site" in line


def test_a_name_that_is_not_in_the_certificate(scene, desk):
    hosts = desk.folder / "etc-hosts"
    hosts.write_text(hosts.read_text() + f"{scene.hub.address} another-name\n")
    site_file = desk.folder / "other.yaml"
    url = f"wss://another-name:{ROUTER_PORT}/ws"
    site_file.write_text(yaml.safe_dump({"hub": {**HUB, "wamp_server": url}, "hosts": {}}))
    line = sentence(desk.ocsd("call", "dome", "look", "--site-file", site_file))
    assert "another-name" in line
    assert re.search("certificate|name", line)


@pytest.mark.skipif(FAKETIME is None, reason="Debian's libfaketime is not installed")
@pytest.mark.parametrize(("offset", "word"), [("-1d", "clock|valid"), ("+40y", "expired|valid")])
def test_a_clock_that_is_wrong(desk, offset, word):
    clock = {"LD_PRELOAD": str(FAKETIME), "FAKETIME": offset, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    line = sentence(look(desk, **clock))
    assert re.search(word, line)
    assert "certificate" in line


def test_a_role_that_does_not_exist(scene):
    words = ("access", "user", "add", "boss", "--role", "boss", "--host", "hub")
    done = scene.hub.ocsd(*words, input="a long password\n")
    assert done.returncode == 2
    assert "viewer" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bundle_for_another_site(scene, desk):
    other = desk.folder / "other-site.yaml"
    url = "wss://elsewhere:8443/ws"
    hosts = {"centre": {"crossbar": {}, "agent-instances": []}, "lab": {"agent-instances": []}}
    other.write_text(yaml.safe_dump({"hub": {**HUB, "wamp_server": url}, "hosts": hosts}))
    where = ("--site-file", other, "--host", "centre")
    desk.checked_ocsd("access", "init", *where)
    bundle = desk.folder / "lab.bundle"
    desk.checked_ocsd("access", "host", "lab", "-o", bundle, *where)
    own = ("--site-file", scene.hub.site_file, "--host", "elsewhere")
    shutil.copy(scene.hub.site_file, desk.folder / "own.yaml")
    own = ("--site-file", desk.folder / "own.yaml", "--host", "elsewhere")
    line = sentence(desk.ocsd("access", "join", bundle, *own))
    assert "lab" in line


def test_a_directors_file_with_a_typo(scene):
    """The director is not started with half a file, and says what is wrong in its log."""
    file = scene.hub.folder / "director.yaml"
    right = file.read_text()
    file.write_text(right.replace("password_2", "pasword_2"))
    try:
        answer = scene.person("anna", at=scene.hub).call(
            "observatory.access-dir.ops", "start", "reload_config"
        )

        def told():
            found = scene.person("anna", at=scene.hub).call(
                "observatory.access-dir.ops", "status", "reload_config"
            )
            session = found[0][0][2]
            return session.get("status") == "done" and session

        session = wait_until(told, "the end of reload_config")
    finally:
        file.write_text(right)
    assert answer[0][0][0] == 0
    assert not session["success"]
    assert "pasword_2" in str(session["messages"])
