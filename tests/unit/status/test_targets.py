"""The hosts and names that a command line means."""

import pytest

from ocsd.errors import NoSuchInstanceError
from ocsd.status.site import SiteHost, control_uri, hosts_of
from ocsd.status.targets import by_host, target_of


def host(name, *instances, trouble=""):
    return SiteHost(
        name, {"instances": [{"instance_id": each} for each in instances]}, 1.0, trouble
    )


SITE = (
    host("lab-1", "thermo1", "twin"),
    host("lab-2", "thermo2", "twin"),
    SiteHost("lab-3", trouble="away", listed=("dome",)),
)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["thermo2"], {"lab-2": ["thermo2"]}),
        (
            ["lab-1:twin", "thermo2", "lab-1:thermo1"],
            {"lab-1": ["twin", "thermo1"], "lab-2": ["thermo2"]},
        ),
        (["lab-2:"], {"lab-2": []}),
        (["thermo*"], {"lab-1": ["thermo*"], "lab-2": ["thermo*"]}),
        (["lab-?:tw*"], {"lab-1": ["tw*"], "lab-2": ["tw*"]}),
        (["lab-?:thermo[23]"], {"lab-2": ["thermo[23]"]}),
        (["lab-?:dome"], {"lab-3": ["dome"]}),
        (["lab-[12]:x*"], {"lab-1": ["x*"], "lab-2": ["x*"]}),
        (["lab-2:router"], {"lab-2": ["router"]}),
        (["dome"], {"lab-3": ["dome"]}),
    ],
)
def test_each_word_means_names_on_hosts(words, expected):
    assert by_host(words, SITE) == expected


def test_names_of_other_things_than_instances_are_asked_for_on_every_host():
    expected = {"lab-1": ["hot"], "lab-2": ["hot"], "lab-3": ["hot"]}
    assert by_host(["lab-*:hot"], SITE, of_instances=False) == expected


@pytest.mark.parametrize(
    ("word", "text"),
    [
        ("twin", "several hosts have 'twin'; say which is meant: lab-1:twin, lab-2:twin"),
        ("thermo3", "no host of the site has an instance 'thermo3'; did you mean 'thermo"),
        ("xyz", "shows all hosts (nothing is known of lab-3, which does not answer)"),
        ("ocsd", "each host has 'ocsd'; say which is meant: lab-1:ocsd, lab-2:ocsd, lab-3:ocsd"),
        ("lb-1:thermo1", "the site has no host 'lb-1'; did you mean 'lab-1'?"),
        ("q*", "no instance of the site matches 'q*'; there are: thermo1, twin, thermo2, dome"),
    ],
)
def test_a_word_that_means_nothing_or_too_much_is_refused(word, text):
    with pytest.raises(NoSuchInstanceError) as refused:
        by_host([word], SITE)
    assert text in str(refused.value)


def test_only_a_word_with_something_before_the_colon_names_a_host():
    assert target_of("lab-1:thermo1") == ("lab-1", "thermo1")
    assert target_of("lab-1:") == ("lab-1", "")
    assert target_of(":thermo1") == (None, ":thermo1")


def test_every_host_has_an_address_of_its_own_that_a_router_takes():
    names = ["lab-1", "lab.1", "lab_2e1", "lab_1", "dôme", "a#b"]
    uris = [control_uri("observatory", name) for name in names]
    assert uris[0] == "observatory.ocsd.lab-1.control"
    assert uris[1] == "observatory.ocsd.lab_2e1.control"
    assert len(set(uris)) == len(names)
    assert all(uri.count(".") == 3 and uri.isascii() and "#" not in uri for uri in uris)


def test_an_answer_about_all_hosts_becomes_values():
    row = {"host": "lab-1", "status": None, "seen_at": None, "trouble": "away", "listed": ["a"]}
    [found] = hosts_of({"hosts": [row]})
    assert (found.host, found.answers, found.names, found.notes) == ("lab-1", False, ("a",), ())
