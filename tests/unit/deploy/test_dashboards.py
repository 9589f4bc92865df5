"""The dashboards for Grafana, and the rules for Prometheus, that ocsd comes with."""

import json
import re
from pathlib import Path

import pytest
import yaml

from tests.promtool import needs_promtool, promtool

ROOT = Path(__file__).parents[3]
PROMETHEUS, GRAFANA = ROOT / "deploy" / "prometheus", ROOT / "deploy" / "grafana"
DASHBOARDS = sorted((GRAFANA / "dashboards").glob("*.json"))
METRICS = set(re.findall(r"`(ocsd_\w+)`", (ROOT / "docs" / "see" / "monitoring.md").read_text()))
SOURCES = {
    each["uid"]: each["type"]
    for each in yaml.safe_load((GRAFANA / "provisioning/datasources/ocsd.yml").read_text())[
        "datasources"
    ]
}
VARIABLES = {
    "$host": "a",
    "$instance_id": ".*",
    "$__rate_interval": "1m",
}

each_dashboard = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


def read(path):
    return json.loads(path.read_text())


def queries(path):
    """Return the queries of a dashboard to Prometheus, with variables filled in."""
    found = [
        target["expr"]
        for panel in read(path)["panels"]
        for target in panel["targets"]
        if target["datasource"]["type"] == "prometheus"
    ]
    for name, text in VARIABLES.items():
        found = [query.replace(name, text) for query in found]
    return found


def test_there_is_a_dashboard_for_each_purpose():
    assert [path.stem for path in DASHBOARDS] == ["fields", "host", "operations", "site"]
    assert len({read(path)["uid"] for path in DASHBOARDS}) == len(DASHBOARDS)
    assert len({read(path)["title"] for path in DASHBOARDS}) == len(DASHBOARDS)


@each_dashboard
def test_panels_have_places_numbers_and_sources_of_their_own(path):
    panels = read(path)["panels"]
    assert [panel["id"] for panel in panels] == [*range(1, len(panels) + 1)]
    cells = set()
    for panel in panels:
        place = panel["gridPos"]
        columns = range(place["x"], place["x"] + place["w"])
        own = {(x, y) for x in columns for y in range(place["y"], place["y"] + place["h"])}
        assert max(columns) < 24
        assert not cells & own
        cells |= own
        for source in (panel["datasource"], *(each["datasource"] for each in panel["targets"])):
            assert SOURCES[source["uid"]] == source["type"]


@each_dashboard
def test_every_variable_that_is_used_is_there(path):
    told = read(path)
    names = {each["name"] for each in told["templating"]["list"]}
    used = set(re.findall(r"\$(\w+)", json.dumps([told["panels"], told["templating"]])))
    own = {name for name in used if not name.startswith("__")} - {"timeFilter", "col"}
    assert own <= names


@each_dashboard
def test_every_metric_of_a_query_is_one_of_ours(path):
    assert set(re.findall(r"ocsd_\w+", " ".join(queries(path)))) <= METRICS
    variables = json.dumps(read(path)["templating"])
    assert set(re.findall(r"ocsd_\w+", variables)) <= METRICS


def test_every_metric_of_a_rule_is_one_of_ours():
    told = yaml.safe_load((PROMETHEUS / "ocsd.rules.yml").read_text())
    expressions = " ".join(rule["expr"] for group in told["groups"] for rule in group["rules"])
    found = set(re.findall(r"ocsd_\w+", expressions))
    assert found
    assert found <= METRICS


def test_the_pictures_of_op_codes_are_those_of_ocs():
    [panel, *_] = read(GRAFANA / "dashboards" / "operations.json")["panels"]
    [mapping] = panel["fieldConfig"]["defaults"]["mappings"]
    words = {code: each["text"] for code, each in mapping["options"].items()}
    assert words == {
        "1": "None",
        "2": "Starting",
        "3": "Running",
        "4": "Stopping",
        "5": "Succeeded",
        "6": "Failed",
        "7": "Expired",
        "8": "Degraded",
    }


@needs_promtool
def test_promtool_reads_every_query(tmp_path):
    found = [query for path in DASHBOARDS for query in queries(path)]
    rules = [{"record": f"query:{number}", "expr": each} for number, each in enumerate(found)]
    file = tmp_path / "queries.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    told, code = promtool("check", "rules", file)
    assert f"{len(found)} rules found" in told
    assert code == 0


@needs_promtool
def test_promtool_takes_the_configuration_and_the_rules():
    assert promtool("check", "config", PROMETHEUS / "prometheus.yml")[1] == 0


@needs_promtool
def test_each_alert_fires_when_it_should():
    told, code = promtool("test", "rules", Path(__file__).with_name("ocsd.rules.test.yml"))
    assert code == 0, told
    rules = yaml.safe_load((PROMETHEUS / "ocsd.rules.yml").read_text())["groups"][0]["rules"]
    tested = Path(__file__).with_name("ocsd.rules.test.yml").read_text()
    assert [rule["alert"] for rule in rules if rule["alert"] not in tested] == []


def test_the_page_of_docs_has_every_alert_and_dashboard():
    page = (ROOT / "docs" / "see" / "monitoring.md").read_text()
    rules = yaml.safe_load((PROMETHEUS / "ocsd.rules.yml").read_text())["groups"][0]["rules"]
    assert set(re.findall(r"`(Ocsd\w+)`", page)) == {rule["alert"] for rule in rules}
    titles = {read(path)["title"] for path in DASHBOARDS}
    assert set(re.findall(r"^\| (ocsd: \w+)", page, re.MULTILINE)) == titles
