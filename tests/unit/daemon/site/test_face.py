"""Daemons that ask each other how they are."""

import json
from types import SimpleNamespace

import pytest
from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock

from ocsd.bus.caller import Caller
from ocsd.daemon.api.askers import Asker
from ocsd.daemon.site.face import SiteFace
from ocsd.daemon.site.farewells import FAREWELL
from ocsd.daemon.site.others import OtherHosts
from ocsd.errors import UnreachableError
from tests.unit.cli.stand_in_daemon import instance, status

NOBODY = Asker("this daemon", "root", "admin", "here")
NAMES = ("lab-1", "lab-2")


class Link:
    """The site's router, which leads to other faces."""

    reason = ""

    def __init__(self):
        self.faces = {}
        self.asked = []
        """The requests and their answers."""
        self.cut = False

    def call(self, uri, host, body, limit_s):
        if self.cut:
            return fail(UnreachableError(f"{host!r} is away"))
        answer = self.faces[host]._respond(NOBODY, json.loads(json.dumps(body)))
        answers = []
        asked = answer if isinstance(answer, Deferred) else succeed(answer)
        asked.addCallback(answers.append)
        self.asked.append((body, answers[0]))
        return succeed(json.loads(json.dumps(answers[0])))


def face(host, told, link):
    entry = SimpleNamespace(instances=[SimpleNamespace(instance_id="thermo1")])
    settings = SimpleNamespace(
        plan=SimpleNamespace(host=SimpleNamespace(name=host)),
        hub=SimpleNamespace(address_root="observatory", is_closed=False),
        site=SimpleNamespace(hosts=dict.fromkeys(NAMES, entry), digest="aa"),
    )
    made = SiteFace(
        lambda: settings, lambda: told, lambda: told, None, None, None, OtherHosts(), Clock()
    )
    made._link = link
    link.faces[host] = made
    return made


@pytest.fixture
def site():
    link = Link()
    told = {name: whole(name, instance(f"{name}-thermo")) for name in NAMES}
    faces = {name: face(name, told[name], link) for name in NAMES}
    return SimpleNamespace(
        link=link, told=told, **{f"face{name[-1]}": faces[name] for name in NAMES}
    )


def whole(host, *rows, version="1.0", digest="aa"):
    return {**status(host, *rows), "version": version, "site": {"digest": digest, "at": 5.0}}


def seen(site, **more):
    found = []
    site.face1.ask("lab-1", NOBODY, {"request": "site", **more}).addCallback(found.append)
    return {row["host"]: row for row in found[0]["hosts"]}


def test_a_host_that_is_as_it_was_answers_so_and_is_known_nevertheless(site):
    first = seen(site, brief=True)["lab-2"]
    again = seen(site, brief=True)["lab-2"]
    assert again["status"] == first["status"]
    assert again["status"]["well"] == [["FakeDataAgent", "up", "ok", ["lab-2-thermo"]]]
    [_, answer] = [answer for _, answer in site.link.asked]
    assert sorted(answer) == ["at", "tag"]


def test_a_change_is_seen_at_the_next_question(site):
    seen(site, brief=True)
    site.told["lab-2"]["instances"][0]["state"] = "failed"
    row = seen(site, brief=True)["lab-2"]
    assert [each["state"] for each in row["status"]["instances"]] == ["failed"]


def test_programs_get_whole_statuses_whatever_people_have_asked_before(site):
    seen(site, brief=True)
    row = seen(site)["lab-2"]
    assert row["status"] == site.told["lab-2"]
    assert seen(site, brief=True)["lab-2"]["status"]["host"] == "lab-2"


def test_of_a_host_that_is_away_programs_get_what_is_known_in_the_usual_shape(site):
    seen(site, brief=True)
    site.link.cut = True
    row = seen(site)["lab-2"]
    [instance_row] = row["status"]["instances"]
    assert instance_row["instance_id"] == "lab-2-thermo"
    assert row["trouble"].startswith("'lab-2' is away; it last answered")


def test_a_host_of_an_earlier_release_answers_with_its_whole_status(site):
    site.link.faces["lab-2"]._status = lambda *_: {"status": site.told["lab-2"]}
    assert seen(site, brief=True)["lab-2"]["status"] == site.told["lab-2"]


def test_an_answer_without_a_status_is_a_trouble_of_that_host(site):
    site.link.faces["lab-2"]._status = lambda *_: {"tag": "of another time"}
    assert "without its status" in seen(site, brief=True)["lab-2"]["trouble"]


def test_a_host_with_another_version_of_ocsd_or_of_the_file_is_told(site):
    site.told["lab-2"] |= {"version": "0.9", "site": {"digest": "bb"}}
    notes = seen(site, brief=True)["lab-2"]["notes"]
    assert notes[:2] == [
        "runs ocsd 0.9, and lab-1 1.0",
        "uses another version of the site file than lab-1",
    ]


def test_the_others_are_asked_in_brief_all_the_time(site):
    site.face1._poll()
    [(question, _)] = site.link.asked
    assert question == {"request": "status", "brief": True, "known": ""}


def called(face, **body):
    found = []
    face._called(Caller(session=1), body).addCallback(found.append)
    return found[0]


def test_who_answers_while_it_stops_says_so(site):
    assert FAREWELL not in called(site.face2, request="names")
    site.face2.say_farewell("otto")
    assert called(site.face2, request="names")[FAREWELL]
    assert called(site.face2, request="nothing like it")[FAREWELL]


def test_of_hosts_that_the_site_file_does_not_name_nothing_is_remembered(site):
    for number in range(100):
        called(site.face1, request=FAREWELL, host=f"host-{number}", by="anybody")
    called(site.face1, request=FAREWELL, host=["no name"], by="anybody")
    assert not site.face1.farewells._told
    called(site.face1, request=FAREWELL, host="lab-2", by="otto")
    assert "by otto" in site.face1.farewells.text("lab-2")
