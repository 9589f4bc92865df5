"""What a host runs follows from the site file alone."""

import os

import pytest

from ocsd.daemon.instances.plan import plan
from ocsd.errors import SiteFileError
from ocsd.site.model import Crossbar, Host, Hub, Instance, Manage, Site, Web

HUB = Hub(wamp_server="ws://localhost:8001/ws", wamp_http="http://localhost:8001/call")


def agent(name, agent_class="FakeDataAgent", **more):
    return Instance(instance_id=name, agent_class=agent_class, **more)


def site(**hosts):
    return Site(hub=HUB, hosts=hosts)


def host(name, *instances, **more):
    return Host(name=name, instances=instances, **more)


def planned(a_site, name):
    return plan(a_site, a_site.hosts[name], "/data")


def names(a_plan):
    """Return the names of the agents, in their order: the page comes last."""
    *agents, page = [each.instance_id for each in a_plan.instances]
    assert page == "web"
    return agents


def test_nobody_is_told_to_start_after_itself():
    entries = (agent("odd2", after=("odd9",)), agent("thermo1"))
    with pytest.raises(SiteFileError) as caught:
        planned(site(lab=host("lab", *entries)), "lab")
    assert str(caught.value).endswith("'odd9', which this host does not run")


def test_the_only_host_runs_the_core_without_any_entry():
    found = planned(site(lab=host("lab", agent("thermo1"))), "lab")
    assert found.runs_router
    assert names(found) == ["registry", "aggregator", "thermo1"]
    assert found.instances[1].arguments == ("--initial-state", "record", "--data-dir", "/data")


def test_a_listed_aggregator_keeps_its_name_and_arguments():
    listed = agent("recorder", "AggregatorAgent", arguments=("--data-dir", "/hk"))
    found = planned(site(lab=host("lab", agent("thermo1"), listed)), "lab")
    assert names(found) == ["registry", "recorder", "thermo1"]
    assert found.instances[1] is listed


def test_the_host_with_the_router_has_the_core_agents():
    several = site(dome=host("dome", agent("b")), hub=host("hub", crossbar=Crossbar()))
    assert names(planned(several, "hub")) == ["registry", "aggregator"]
    assert names(planned(several, "dome")) == ["b"]
    assert not planned(several, "dome").runs_router


def test_core_agents_listed_on_one_host_do_not_appear_on_another():
    registry = agent("registry", "RegistryAgent")
    several = site(hub=host("hub", crossbar=Crossbar()), data=host("data", registry))
    assert names(planned(several, "hub")) == ["aggregator"]
    assert names(planned(several, "data")) == ["registry"]


def test_without_a_router_entry_the_first_host_has_the_core():
    several = site(one=host("one"), two=host("two"))
    assert names(planned(several, "one")) == ["registry", "aggregator"]
    assert names(planned(several, "two")) == []
    assert not planned(several, "one").runs_router


def test_what_others_run_is_left_alone_and_said():
    found = planned(
        site(
            lab=host(
                "lab",
                agent("hm-lab", "HostManager"),
                agent("boxed", manage=Manage.DOCKER_UP),
                agent("other", manage=Manage.IGNORE),
                agent("parked", manage=Manage.DOWN),
            )
        ),
        "lab",
    )
    assert names(found) == ["registry", "aggregator", "parked"]
    assert found.notices == (
        "hm-lab is left alone: this daemon does the job of OCS's HostManager",
        "boxed is left alone: docker runs it (manage), and the HostManager entry of this host has "
        "no --docker-compose FILE, with which ocsd would manage it; see: docker ps -a",
        "other is left alone: its entry tells ocsd to ignore it (manage)",
    )
    assert [each.instance_id for each in found.left_alone] == ["boxed", "other"]


def test_with_a_compose_file_agents_in_containers_are_supervised():
    manager = agent("hm-lab", "HostManager", arguments=("--docker-compose", "c.yml"))
    boxed = agent("boxed", "AggregatorAgent", manage=Manage.DOCKER_DOWN)
    found = planned(site(lab=host("lab", manager, boxed)), "lab")
    assert names(found) == ["registry", "boxed"]
    assert found.left_alone == ()
    assert found.compose.files == ("c.yml",)


@pytest.mark.parametrize("name", ["router", "ocsd", "forkserver"])
def test_the_names_of_ocsds_own_parts_are_refused_for_an_agent(name):
    with pytest.raises(SiteFileError, match=f"'{name}' is the name of the"):
        planned(site(lab=host("lab", agent(name))), "lab")


def test_an_instance_that_waits_for_an_unknown_one_is_refused():
    entries = (agent("daq"), agent("acq", after=("daq", "dak"), line=7))
    with pytest.raises(SiteFileError) as caught:
        planned(site(lab=host("lab", *entries)), "lab")
    assert ":7: 'acq' is to start after 'dak', which this host does not run" in str(caught.value)
    assert str(caught.value).endswith("; did you mean 'daq'?")


def test_instances_that_wait_for_each_other_are_refused():
    entries = (agent("a", after=("b",)), agent("b", after=("a",)), agent("c", after=("a",)))
    with pytest.raises(SiteFileError) as caught:
        planned(site(lab=host("lab", *entries)), "lab")
    assert "these instances wait for each other: " in str(caught.value)
    assert "a after b" in str(caught.value)
    assert "c" not in str(caught.value).split(": ")[-1].split(";")[0].split(" after ")


def test_an_instance_may_wait_for_a_built_in_one():
    found = planned(site(lab=host("lab", agent("acq", after=("registry",)))), "lab")
    assert names(found) == ["registry", "aggregator", "acq"]


def page(**more):
    """Return the last instance of a host."""
    entries = more.pop("entries", ())
    return planned(site(lab=host("lab", agent("thermo1"), *entries, **more)), "lab").instances[-1]


def test_the_page_of_a_daemon_that_runs_behind_others_runs_no_further_ahead(monkeypatch):
    monkeypatch.setattr(os, "nice", lambda _: 10)
    assert page().limits.nice == 10


def test_the_page_is_told_what_the_host_says_of_it():
    web = Web(name="Lab 1", path_prefix="/ocsd", listen="[::1]:9000")
    found = page(web=web, entries=[agent("rec", "AggregatorAgent", arguments=("--data-dir", "/d"))])
    assert (found.instance_id, found.agent_class) == ("web", "Web")
    assert found.limits.nice == max(5, os.nice(0))
    assert found.arguments == (
        "--listen=[::1]:9000",
        "--path-prefix=/ocsd",
        "--name=Lab 1",
        "--data-dir=/d",
    )


def test_an_entry_of_its_class_configures_the_page():
    found = page(entries=[agent("page", "Web", arguments=("--name=mine",))])
    assert found.instance_id == "page"
    assert found.arguments[-1] == "--name=mine"


def test_a_host_may_have_no_page():
    assert page(web=Web(enabled=False)).instance_id == "thermo1"


def test_an_agent_with_the_name_of_the_page_has_it_and_that_is_said():
    found = planned(site(lab=host("lab", agent("web"))), "lab")
    assert [each.agent_class for each in found.instances if each.instance_id == "web"] == [
        "FakeDataAgent"
    ]
    [notice] = found.notices
    assert "the page in the browser is not served" in notice
    entries = (agent("web"), agent("page", "Web"))
    assert planned(site(lab=host("lab", *entries)), "lab").notices == ()


def test_a_writer_to_a_database_is_told_where_the_aggregator_of_its_host_records():
    writer = agent("influx", "InfluxDBAgent", arguments=("--host", "db"))
    found = planned(site(lab=host("lab", writer)), "lab")
    told = {each.instance_id: each.arguments for each in found.instances}
    assert told["influx"] == ("--data-dir=/data", "--host", "db")


@pytest.mark.parametrize("published", ["InfluxDBAgent", "AggregatorAgent"])
def test_a_writer_is_told_nothing_where_a_published_one_has_its_part(published):
    entries = [
        agent(name, name, runtime="ocs" if name == published else "ocsd")
        for name in ("InfluxDBAgent", "AggregatorAgent")
    ]
    found = planned(site(lab=host("lab", *entries)), "lab")
    told = {each.instance_id: each.arguments for each in found.instances}
    assert told["InfluxDBAgent"] == ()


def test_only_a_host_with_alarms_has_their_process_and_it_knows_the_data_folder():
    alarms = {"rules": {}}
    found = planned(site(lab=host("lab", agent("thermo1"), alarms=alarms)), "lab")
    assert names(found) == ["registry", "aggregator", "thermo1", "alarms"]
    process = found.instances[3]
    assert (process.agent_class, process.arguments) == ("Alarms", ("--data-dir=/data",))
    assert "alarms" not in names(planned(site(lab=host("lab", agent("thermo1"))), "lab"))
    entry = agent("watch", "Alarms", env={"NTFY_TOKEN": "x"})
    found = planned(site(lab=host("lab", entry, alarms=alarms)), "lab")
    assert names(found) == ["registry", "aggregator", "watch"]


@pytest.mark.parametrize(
    ("entries", "said"),
    [
        ((agent("alarms"),), "an instance is called 'alarms'; give their process another name"),
        ((agent("a", "Alarms"), agent("b", "Alarms")), "leave one of the entries of class Alarms"),
        ((agent("a", "Alarms", user="vera"),), "leave 'user' out"),
    ],
)
def test_alarms_that_nobody_could_evaluate_are_refused(entries, said):
    with pytest.raises(SiteFileError, match=said):
        planned(site(lab=host("lab", *entries, alarms={"rules": {}})), "lab")
    planned(site(lab=host("lab", agent("alarms"))), "lab")
