"""`ocsd access`, on folders of the test's own."""

import json
import os

import pytest

from ocsd.access import private_files
from ocsd.access.passwords import fits
from ocsd.access.store import AccessStore
from ocsd.cli.access import secrets
from ocsd.cli.main import main
from ocsd.cli.talk import control

SITE = """\
hub:
  wamp_server: ws://control.example:8001/ws
  wamp_http: http://control.example:8001/call
hosts:
  control: {crossbar: {}, web: {listen: '10.0.0.5:8002'}}
  lab-2: {web: {listen: '10.0.0.6:8002'}}
"""
CLOSED = """\
hub:
  access: closed
  wamp_server: wss://control.example:8443/ws
"""


class Place:
    """Folders, and `ocsd access` with them."""

    def __init__(self, folder, capsys):
        self.site_file = folder / "default.yaml"
        self.site_file.write_text(SITE)
        self.state = folder / "state"
        self._capsys = capsys

    def __call__(self, *words, code=0):
        assert main(["access", *words]) == code
        shown = self._capsys.readouterr()
        return shown.err if code and not shown.out else shown.out

    def close(self):
        hosts = SITE[SITE.index("hosts:") :]
        self.site_file.write_text(CLOSED + hosts)

    def store(self, host="control"):
        return AccessStore(self.state / host / "access")


@pytest.fixture
def access(tmp_path, monkeypatch, capsys):
    for name in [name for name in os.environ if name.startswith("OCS")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("OCS_CONFIG_DIR", str(tmp_path))
    for name in ("STATE", "RUNTIME", "LOGS"):
        monkeypatch.setenv(f"{name}_DIRECTORY", str(tmp_path / name.lower()))
    monkeypatch.chdir(tmp_path)
    return Place(tmp_path, capsys)


@pytest.fixture
def made(access):
    access("init", "--host", "control")
    return access


def test_init_says_what_was_made_and_what_each_host_needs(access):
    told = access("init", "--host", "control")
    assert f"Made in {access.store().folder}: the authority of site" in told
    assert "ocsd access host lab-2" in told
    assert "  access: closed\n    wamp_server: wss://control.example:8443/ws" in told
    assert "They replace wamp_server and wamp_http" in told
    assert access.store().identity().hub == "wss://control.example:8443/ws"


def test_init_leaves_keys_as_they_are(made):
    before = made.store().secret()
    assert "are left as they are" in made("init", "--host", "control")
    assert json.loads(made("init", "--host", "control", "--json"))["made"] is False
    assert made.store().secret() == before


def test_init_on_a_host_without_the_router_names_the_right_one(access):
    told = access("init", "--host", "lab-2", code=78)
    assert "host 'lab-2' does not run the router; run this on control" in told
    assert not access.state.exists()


def test_a_bundle_is_carried_to_its_host_and_joined(made, tmp_path, monkeypatch):
    told = made("host", "lab-2")
    assert "ocsd access join lab-2.bundle" in told
    assert (tmp_path / "lab-2.bundle").stat().st_mode & 0o777 == 0o600
    made.close()
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "other"))
    other = AccessStore(tmp_path / "other" / "lab-2" / "access")
    assert "for host 'lab-2', and this is 'control'" in made(
        "join", "lab-2.bundle", "--host", "control", code=78
    )
    assert "now delete the bundle" in made("join", "lab-2.bundle", "--host", "lab-2")
    assert other.identity().site == made.store().identity().site
    assert (other.folder / "web.pem").exists()


def test_a_bundle_of_another_site_needs_to_be_asked_for(made, tmp_path, monkeypatch):
    made("host", "lab-2")
    made("join", "lab-2.bundle", "--host", "lab-2")
    (tmp_path / "state" / "control").rename(tmp_path / "away")
    made("init", "--host", "control")
    made("host", "lab-2")
    told = made("join", "lab-2.bundle", "--host", "lab-2", code=78)
    assert "the bundle is for site" in told
    assert "--replace" in told
    made("join", "lab-2.bundle", "--host", "lab-2", "--replace")


def test_a_removed_host_may_join_no_more(made):
    made("host", "lab-2")
    assert "lab-2" in made.store().hosts()
    assert "may join no more" in made("host", "lab-2", "--remove")
    assert "lab-2" not in made.store().hosts()
    assert "there is no host 'lab-2'; known: control" in made("host", "lab-2", "--remove", code=4)


def test_hosts_that_need_no_bundle_or_do_not_exist_are_told(made):
    assert "runs the router and needs no bundle" in made("host", "control", code=78)
    assert "did you mean 'lab-2'?" in made("host", "lab2", code=78)
    assert "cannot write /nowhere/x" in made("host", "lab-2", "-o", "/nowhere/x", code=1)


def test_people_are_added_listed_changed_and_removed(made, tmp_path):
    (tmp_path / "password").write_text("correct horse\nsecond line")
    assert "nobody may log in yet" in made("user", "list")
    made("user", "add", "vera", "--role", "viewer", "--password-file", "password")
    assert fits("correct horse", made.store().people()["vera"].password)
    told = json.loads(made("user", "passwd", "vera", "--generate", "--json"))
    assert fits(told["password"], made.store().people()["vera"].password)
    made("user", "role", "vera", "expert")
    assert json.loads(made("user", "list", "--json"))["vera"]["role"] == "expert"
    assert made("user", "list").splitlines()[1].split()[:2] == ["vera", "expert"]
    told = made("user", "role", "vera", "admin", "--json")
    assert json.loads(told) == {"name": "vera", "role": "admin"}
    assert made("user", "remove", "vera") == "vera may log in no more\n"
    assert made.store().people() == {}


def test_a_generated_password_is_printed_once(made):
    told = made("user", "add", "script1", "--role", "operator", "--generate")
    password = told.split()[-1]
    assert fits(password, made.store().people()["script1"].password)
    assert password not in (made.store().folder / "users.json").read_text()


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("add", "vera", "--role", "viewr", "--generate"), 2, "did you mean 'viewer'?"),
        (("add", "ve ra", "--role", "viewer", "--generate"), 2, "name 've ra' cannot be used"),
        (("add", "vera", "--role", "viewer"), 2, "there is no terminal to ask"),
        (
            ("add", "vera", "--role", "viewer", "--password-file", "x"),
            2,
            "cannot read the password",
        ),
        (("add", "otto", "--role", "viewer", "--generate"), 1, "there is a 'otto' already"),
        (("passwd", "oto", "--generate"), 4, "known: otto; did you mean 'otto'?"),
        (("remove", "vera"), 4, "nobody is called 'vera'"),
        (("role", "vera", "admin"), 4, "nobody is called 'vera'"),
        (("passwd", "otto", "--generate", "--password-file", "x"), 2, "exclude each other"),
    ],
)
def test_mistakes_about_people_are_told(made, words, code, said):
    made("user", "add", "otto", "--role", "operator", "--generate")
    assert said in made("user", *words, code=code)


@pytest.mark.parametrize(("answers", "fine"), [(("12345678",) * 2, True), (("a", "b"), False)])
def test_a_password_is_asked_for_twice(monkeypatch, answers, fine):
    given = iter(answers)
    monkeypatch.setattr(secrets, "can_ask", lambda: True)
    monkeypatch.setattr(secrets.getpass, "getpass", lambda _: next(given))
    if fine:
        assert secrets.password_of("vera", None, generate=False) == "12345678"
    else:
        with pytest.raises(secrets.OcsdError, match="differ"):
            secrets.password_of("vera", None, generate=False)


def test_a_url_of_an_agent_is_printed_as_its_site_file_needs_it(made):
    told = made("agent-url", "old1")
    (url,) = made.store().urls().values()
    assert f"  wamp_server: wss://control.example:8443/k-{url.secret}\n" in told
    assert "wamp_http" not in told
    assert "export SSL_CERT_FILE=" in told
    assert "pip install pyOpenSSL service-identity" in told
    assert made("agent-url", "old1") == told
    made("rotate", "old1")
    assert url.secret not in made("agent-url", "old1")


def test_a_url_of_a_client_has_the_bridge_and_the_rights_of_a_role(made):
    told = json.loads(made("client-url", "web", "--role", "operator", "--json"))
    (url,) = made.store().urls().values()
    assert told["hub"]["wamp_server"] == f"wss://control.example:8443/c-{url.secret}"
    assert told["hub"]["wamp_http"] == f"https://control.example:8443/call-{url.secret}"
    assert (url.role, url.kind) == ("operator", "client")
    assert "there is a URL 'web' already" in made("client-url", "web", "--role", "admin", code=1)
    told = made("client-url", "web", "--role", "operator", "--remove", "--json")
    assert json.loads(told) == {"removed": "web"}
    assert "there is no URL 'web'" in made("agent-url", "web", "--remove", code=4)


def test_rotating_makes_new_keys_and_says_who_needs_them(made):
    made("host", "lab-2")
    made("agent-url", "old1")
    before = made.store().router(), made.store().secret()
    assert "without" not in made("rotate", "router")
    assert made.store().router() != before[0]
    assert made.store().secret() == before[1]
    told = made("rotate", "all")
    assert "host lab-2 needs a new bundle: ocsd access host lab-2" in told
    assert "URL old1 is new: ocsd access agent-url old1" in told
    assert made.store().secret() != before[1]
    assert "ocsd access host lab-2" in made("rotate", "lab-2")
    assert "there is no host or URL 'lab-3'" in made("rotate", "lab-3", code=4)


def test_without_keys_each_command_says_how_to_make_them(access):
    for words in (("user", "list"), ("agent-url", "x"), ("rotate", "all"), ("host", "lab-2")):
        assert "there first: ocsd access init" in access(*words, code=78)


def test_what_was_done_is_in_the_audit_without_secrets(made, capsys):
    made("user", "add", "vera", "--role", "viewer", "--generate")
    made("agent-url", "old1")
    (url,) = made.store().urls().values()
    journals = list((made.state / "control").glob("audit/*"))
    text = "".join(file.read_text() for file in journals)
    assert [word for word in ("user-add", "vera", "viewer", "agent-url", "init") if word in text]
    assert url.secret not in text
    assert made.store().people()["vera"].password not in text


def checked(access, *words, code):
    return json.loads(access("check", "--host", "control", "--json", *words, code=code))


def levels(told):
    return {each["text"]: each["level"] for each in told["findings"]}


def test_check_says_that_an_open_site_is_open_and_how_to_close_it(access):
    told = access("check", "--host", "control", code=78)
    assert "open  open: whoever reaches ws://control.example:8001/ws may start" in told
    assert "-> ocsd access init" in told
    assert "BAD   control.example is no address of this machine" in told


def test_check_names_files_with_wrong_modes_and_the_command_that_mends_them(made):
    (made.store().folder / "users.json").chmod(0o644)
    told = made("check", "--host", "control", code=78)
    assert f"BAD   {made.store().folder}/users.json has mode 0644" in told
    assert f"chmod 600 {made.store().folder}/users.json" in told


def test_check_names_who_still_joins_without_a_login(made):
    folder = made.state / "control" / "router"
    folder.mkdir()
    joins = {"agent old1": {"count": 3, "last_at": 1e9, "peer": "tcp4:10.0.0.9:5000"}}
    (folder / "open-joins.json").write_text(json.dumps(joins))
    told = checked(made, code=78)
    assert told["open_joins"] == joins
    (found,) = [each for each in told["findings"] if "old1" in each["text"]]
    assert "joined without a login 3 times, last at 2001-09-09T01:46:40Z" in found["text"]
    assert found["remedy"].endswith("ocsd access agent-url old1")
    made.close()
    assert not any("old1" in text for text in levels(checked(made, code=78)))


def test_check_of_a_closed_site_lists_people_hosts_and_urls(made):
    made.close()
    made("user", "add", "vera", "--role", "viewer", "--generate")
    made("host", "lab-2")
    made("client-url", "web", "--role", "operator")
    found = levels(checked(made, code=78))  # the name has no address here
    fine = {text for text, level in found.items() if level == "ok"}
    assert "closed: nobody joins wss://control.example:8443/ws without a login" in fine
    assert {"people: vera (viewer)", "hosts with keys: control, lab-2"} <= fine
    assert "URLs that need no login: web (client, operator)" in fine


def test_a_damaged_identity_is_told_not_raised(made):
    private_files.write(made.store().folder / "site.json", b"{")
    assert "site.json is damaged" in made("check", "--host", "control", code=78)


def test_the_daemon_that_runs_names_site_file_and_host(access, tmp_path, monkeypatch):
    class Daemon:
        host = "control"

        def status(self, _limit_s):
            return {"site_file": str(access.site_file)}

    monkeypatch.delenv("OCS_CONFIG_DIR")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    monkeypatch.setattr(control, "find_all", lambda _limit_s: [Daemon()])
    access("init")
    assert access.store().exists
