"""A closed router lets in whom it knows, and lets each do what is its own."""

import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from ocsd.access import certificates
from ocsd.client.http import ControlClientError
from tests.system.access.conftest import SECRETS
from tests.system.access.sessions import perform
from tests.system.waiting import wait_until

NOT_AUTHORIZED = "wamp.error.not_authorized"


def by_socket(site, name=None, host="hub", secret=None):
    """Return the words of a join over the Unix socket."""
    words = {"url": f"wss://{site.url}/ws", "socket": site.socket}
    if name is not None:
        words |= {"authid": f"{name}@{host}", "secret": secret or site.ticket(name, host).secret}
    return words


def by_tls(site, path="ws", ca_file=None, **login):
    """Return the words of a join over TLS."""
    return {"url": f"wss://{site.url}/{path}", "ca_file": ca_file or site.ca_file, **login}


def test_the_agents_of_both_hosts_are_up(closed):
    for host, name in (("hub", "thermo"), ("far", "distant")):
        assert closed.instance(name, host)["state"] == "up"
    assert "joined realm" in (closed.folder / "log" / "far" / "distant.log").read_text()


def test_the_sockets_are_for_the_group_and_the_ports_for_nobody_without_a_login(closed):
    for name in ("router.sock", "http.sock"):
        mode = (closed.folder / "run" / "hub" / name).stat().st_mode
        assert stat.S_IMODE(mode) == 0o660


def test_each_login_has_its_name_and_its_role(closed):
    password = {"secret": "a-password-of-a-test"}
    joins = {
        "agent": (by_socket(closed, "thermo2"), ["thermo2", "agent"]),
        "far": (by_tls(closed, authid="x@far", secret=closed.ticket("x", "far").secret),) * 1
        + (["x", "agent"],),
        "daemon": (
            by_tls(closed, authid="@far", secret=closed.ticket("", "far").secret),
            ["far", "host"],
        ),
        "vera": (by_tls(closed, authid="vera", **password), ["vera", "viewer"]),
        "otto": (by_tls(closed, authid="otto", **password), ["otto", "operator"]),
        "url": (by_tls(closed, f"k-{SECRETS['published']}"), ["pub", "agent"]),
        "looking": (by_tls(closed, f"c-{SECRETS['looking']}"), ["looking", "viewer"]),
    }
    answers = perform(*[[name, "join", words] for name, (words, _) in joins.items()])
    assert dict(zip(joins, answers, strict=True)) == {name: who for name, (_, who) in joins.items()}


@pytest.mark.parametrize(
    ("login", "reason"),
    [
        ({}, "this site is closed: log in"),
        ({"authid": "otto", "secret": "wrong"}, "the name or the password is wrong"),
        ({"authid": "nemo", "secret": "wrong"}, "the name or the password is wrong"),
        ({"authid": "thermo@hub", "secret": "wrong"}, "the ticket of thermo@hub is wrong"),
        ({"path": "k-" + "e" * 32}, "closed: "),
    ],
)
def test_whoever_is_not_known_is_told_why(closed, login, reason):
    [answer] = perform(["s", "join", by_tls(closed, **login)])
    assert reason in answer


def test_a_host_cannot_be_the_agent_of_another(closed):
    secret = closed.ticket("thermo", "far").secret
    [answer] = perform(["s", "join", by_tls(closed, authid="thermo@far", secret=secret)])
    assert "'thermo' is an instance of host 'hub'" in answer


def test_an_agent_has_its_own_addresses_and_a_person_none(closed):
    answers = perform(
        ["a", "join", by_socket(closed, "mine")],
        ["a", "register", "observatory.mine.ops"],
        ["a", "register", "observatory.thermo.other"],
        ["a", "register", "observatory.mine.", {"match": "prefix"}],
        ["a", "register", "observatory..ops", {"match": "wildcard"}],
        ["a", "publish", "observatory.mine.feeds.x", 1],
        ["a", "publish", "observatory.thermo.feeds.heartbeat", 1],
        ["o", "join", by_tls(closed, f"c-{SECRETS['script']}")],
        ["o", "register", "observatory.script.ops"],
        ["o", "publish", "observatory.thermo.feeds.x", 1],
        ["o", "call", "wamp.session.list"],
        ["o", "call", "observatory.mine.ops", "start", "x"],
    )
    done = [answer is True for answer in answers]
    assert [place for place, well in enumerate(done) if well] == [1, 5]
    assert answers[-1] == [0, "done", {}]
    for place in (2, 3, 4, 6, 8, 9, 10):
        assert NOT_AUTHORIZED in answers[place]


def test_nobody_speaks_in_the_name_of_another(closed):
    forged = {"forward_for": [{"session": 1, "authid": "root", "authrole": "admin"}]}
    answers = perform(
        ["o", "join", by_tls(closed, f"c-{SECRETS['script']}")],
        ["o", "call", "observatory.thermo", "get_api", forged],
        ["a", "join", by_socket(closed, "mine2")],
        ["a", "publish", "observatory.mine2.feeds.x", 1, forged],
        ["a", "subscribe", "observatory.thermo.feeds.x", forged],
        ["a", "register", "observatory.mine2", forged],
    )
    for place in (1, 3, 5):
        assert "in the name of somebody else" in answers[place]


def test_what_a_director_says_reaches_agents_only(closed):
    controls = "observatory.director.feeds.controls"
    with_director = {"agent-class": "AccessDirector", "instance-id": "director", "manage": "ignore"}
    closed.write(*closed.hosts["hub"]["agent-instances"], with_director, crossbar={})
    assert closed.ocsd("reload", "--host", "hub").returncode == 0
    join = ["d", "join", by_socket(closed, "director")]
    # The router looks at the facts each second.
    wait_until(lambda: perform(join)[0] == ["director", "director"], "the director's role")
    answers = perform(
        join,
        ["a", "join", by_socket(closed, "listener")],
        ["v", "join", by_tls(closed, f"c-{SECRETS['looking']}")],
        ["a", "subscribe", controls],
        ["v", "subscribe", controls],
        ["v", "subscribe", "observatory.", {"match": "prefix"}],
        ["v", "subscribe", "observatory..feeds.", {"match": "wildcard"}],
        ["a", "publish", controls, 1],
        ["d", "publish", controls, 1],
        ["d", "publish", "observatory.director.feeds.grants", 1],
        ["", "wait", 0.3],
        ["a", "heard"],
        ["v", "heard"],
    )
    assert answers[0] == ["director", "director"]
    assert answers[3] is True
    assert "only agents may" in answers[4]
    assert answers[7] is not True
    assert answers[8:10] == [True, True]
    assert answers[11] == [controls]
    heard = [topic for topic in answers[12] if ".director." in topic]
    assert heard == ["observatory.director.feeds.grants"] * 2


def test_an_agent_on_the_published_ocs_is_guarded_from_viewers(closed):
    answers = perform(
        ["p", "join", by_tls(closed, f"k-{SECRETS['published']}")],
        ["p", "register", "observatory.pub.ops"],
        ["v", "join", by_tls(closed, f"c-{SECRETS['looking']}")],
        ["o", "join", by_tls(closed, f"c-{SECRETS['script']}")],
        *[["v", "call", "observatory.pub.ops", each, "x"] for each in ("start", "stop", "abort")],
        *[["v", "call", "observatory.pub.ops", each, "x"] for each in ("status", "wait")],
        ["o", "call", "observatory.pub.ops", "start", "x"],
    )
    refused, looked, started = answers[4:7], answers[7:9], answers[9]
    assert {text for _, text, _ in refused} == {
        "The action requires credential level 1-BASIC but the client has only level 0-BLOCKED"
    }
    assert [*looked, started] == [[0, "done", {}]] * 3


def test_people_call_over_http_by_their_roles(closed, logged_in):
    logged_in("otto")
    assert closed.client("thermo").request("status", "acq")[0] == 0
    logged_in("vera")
    assert closed.client("thermo").get_api()["agent_class"] == "FakeDataAgent"
    assert closed.client("thermo").request("start", "delay_task")[0] == -1
    logged_in("otto", "another-password")
    with pytest.raises(ControlClientError, match="the name or the password is wrong"):
        closed.client("thermo").get_api()


def test_the_bridge_has_no_open_door(closed, logged_in):
    logged_in("otto")
    with pytest.raises(ControlClientError, match="HTTP status 404"):
        closed.client("thermo", f"https://{closed.url}/call-{'e' * 32}").get_api()
    url = f"https://{closed.url}/call-{SECRETS['script']}"
    assert closed.client("thermo", url).get_api()["agent_class"] == "FakeDataAgent"
    words = ["curl", "-s", "--cacert", closed.ca_file, "-w", "%{http_code}", "-d", "{}"]
    for more in ([], ["-H", "Origin: https://elsewhere.example"]):
        json_type = ["-H", "Content-Type: application/json"]
        done = subprocess.run(
            [*words, *json_type, *more, f"https://{closed.url}/call"],
            capture_output=True,
            text=True,
        )
        assert done.stdout.endswith(("401", "403"))


def test_commands_come_in_by_the_socket_of_their_user(closed):
    done = closed.ocsd("call", "--host", "hub", "thermo", "delay_task", "delay=0.1")
    assert done.returncode == 0, done.stderr
    far = closed.ocsd("call", "--host", "hub", "distant", "delay_task", "delay=0.1")
    assert far.returncode == 0, far.stderr


def test_a_person_who_is_removed_is_gone_in_a_moment(closed):
    program = [sys.executable, "-m", "ocsd.client.listen", "--realm", "test_realm"]
    words = ["--url", f"wss://{closed.url}/ws", "--announce", "observatory.thermo.feeds."]
    environment = {
        **closed.environment,
        "OCSD_USER": "gone",
        "OCSD_PASSWORD_FILE": str(closed.folder / "password"),
        "OCSD_CA_FILE": closed.ca_file,
    }
    password = closed.folder / "password"
    password.write_text("a-password-of-a-test\n")
    password.chmod(0o600)
    listener = subprocess.Popen(
        [*program, *words],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert listener.stdout.readline() == "{}\n"
    closed.store.change_people(lambda people: people.pop("gone"))
    _, errors = listener.communicate(timeout=30)
    assert listener.returncode == 69
    assert "this login has been withdrawn" in errors


def test_a_new_person_and_a_new_url_need_no_restart(closed, logged_in):
    people = closed.store.people()
    closed.store.change_people(lambda listed: listed.update(nora=people["otto"]))
    logged_in("nora")

    def comes_in():
        try:
            return closed.client("thermo").get_api() is not None
        except ControlClientError:
            return False

    wait_until(comes_in, "the router to know nora", limit_s=20)


def test_a_new_certificate_needs_no_restart_and_disturbs_no_agent(closed):
    seen = certificates.described(closed.store.router().certificate)
    log = closed.folder / "log" / "far" / "distant.log"
    joins = log.read_text().count("joined realm")
    names = [str(each) for each in seen.names]
    issued = certificates.issue(closed.store.authority(), names, time.time() - 60, 100)
    closed.store.write_router(issued)
    served = subprocess.run(
        ["openssl", "s_client", "-connect", closed.url, "-CAfile", closed.ca_file],
        input="",
        capture_output=True,
        text=True,
        timeout=20,
    ).stdout
    assert "Verify return code: 0 (ok)" in served
    body = issued.certificate.decode().split("-----")[2].strip()
    assert body in served
    assert log.read_text().count("joined realm") == joins


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("foreign", "is not of an authority that this host trusts"),
        ("name", "is for another host name"),
        ("expired", "has expired by this machine's clock"),
        ("early", "is not valid yet by this machine's clock"),
    ],
)
def test_a_certificate_that_is_wrong_is_told_in_one_sentence(closed, tmp_path, fault, reason):
    authority, now_at = closed.store.authority(), time.time()
    good = closed.store.router()
    bad = {
        "foreign": certificates.issue(
            certificates.make_authority("other", now_at), ["localhost"], now_at
        ),
        "name": certificates.issue(authority, ["elsewhere.example"], now_at),
        "expired": certificates.issue(authority, ["localhost"], now_at - 3 * 86400, 1),
        "early": certificates.issue(authority, ["localhost"], now_at + 2 * 86400),
    }[fault]
    closed.store.write_router(bad)
    try:
        [answer] = perform(["s", "join", by_tls(closed)])
        client = [sys.executable, "-m", "ocsd", "call", "--site-file", str(closed.file)]
        done = subprocess.run(
            [*client, "thermo", "delay_task"],
            env={
                **closed.environment,
                "OCSD_CA_FILE": closed.ca_file,
                "RUNTIME_DIRECTORY": str(tmp_path),
                "STATE_DIRECTORY": str(tmp_path),
            },
            capture_output=True,
            text=True,
            timeout=30,
        )
    finally:
        closed.store.write_router(good)
    assert reason in answer
    assert reason in done.stderr


def test_a_thousand_attempts_make_nothing_else_slower(closed, logged_in):
    joins = [
        ["s", "join", by_tls(closed, authid="otto", secret=f"wrong{each}")] for each in range(150)
    ]
    begun_s = time.monotonic()
    answers = perform(*joins, limit_s=120)
    assert time.monotonic() - begun_s < 60
    assert sum("try again in" in answer for answer in answers) >= 130
    done = closed.ocsd("call", "--host", "hub", "thermo", "delay_task", "delay=0.1")
    assert done.returncode == 0, done.stderr


def test_refusals_are_in_the_log_and_no_secret_is_anywhere(closed):
    log = (closed.folder / "log" / "hub" / "router.log").read_text()
    assert "refused otto from 127.0.0.1: the name or the password is wrong" in log
    tickets = [closed.ticket("thermo").secret, closed.ticket("distant", "far").secret]
    secrets = [*SECRETS.values(), *tickets, "a-password-of-a-test"]
    texts = [file.read_text(errors="replace") for file in closed.folder.glob("log/*/*.log")]
    texts += [str(closed.status("hub")), str(closed.status("far"))]
    for process in closed.processes():
        texts.append(" ".join(process.cmdline()))
    assert not [secret for secret in secrets for text in texts if secret in text]
    environments = [
        Path(f"/proc/{process.pid}/environ").read_text(errors="replace")
        for process in closed.processes()
    ]
    assert not [secret for secret in secrets for text in environments if secret in text]
