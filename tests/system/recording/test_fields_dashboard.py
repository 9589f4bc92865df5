"""The dashboard "ocsd: fields" on what a writer wrote into a real InfluxDB: each query has data."""

import json
from pathlib import Path

import pytest

from tests.system.recording.test_databases import (
    Feeds,
    executable,  # noqa: F401 - a fixture
    server,  # noqa: F401 - a fixture
    writer,  # noqa: F401 - a fixture
)
from tests.system.waiting import wait_until

pytestmark = pytest.mark.system

DASHBOARD = Path(__file__).parents[3] / "deploy/grafana/dashboards/fields.json"
NUMBERS = {"float", "integer"}


class Grafana:
    """Fills in the variables of the dashboard as Grafana does."""

    def __init__(self, database):
        self.server = database
        told = json.loads(DASHBOARD.read_text())
        self.variables = {each["name"]: each["query"] for each in told["templating"]["list"]}
        self.numbers, self.texts = (panel["targets"][0]["query"] for panel in told["panels"])

    def choices(self, variable, column, **chosen):
        """Return a column of the choices of a variable."""
        found = self.server.query(filled(self.variables[variable], **chosen))
        return [row[column] for series in found for row in series["values"]]

    def has_data(self, query, **chosen):
        return bool(self.server.query(filled(query, **chosen)))


def filled(query, **chosen):
    """Return a query with its variables, over the last hour in intervals of a second."""
    known = {**chosen, "timeFilter": "time > now() - 1h", "__interval": "1s"}
    # The longest first: $feed is the beginning of no other one, but $field might be.
    for name in sorted(known, key=len, reverse=True):
        query = query.replace(f"${name}", known[name])
    return query


def test_every_query_has_data_for_every_choice(server, writer, tmp_path):  # noqa: F811 - fixtures
    feeds = Feeds(tmp_path / "data")
    wait_until(lambda: feeds.publish(0.2) or len(server.query("SHOW MEASUREMENTS")), "measurements")
    feeds.publish(1)
    feeds.end()
    grafana = Grafana(server)
    wait_until(lambda: len(grafana.choices("agent", 0)) == 2, "both forms of measurements")
    shown = set()
    for agent in grafana.choices("agent", 0):
        keys = server.query(filled(grafana.variables["field"], agent=agent))[0]["values"]
        assert [key for key, _ in keys] == grafana.choices("field", 0, agent=agent)
        for feed in grafana.choices("feed", 1, agent=agent):
            for field, kind in keys:
                chosen = {"agent": agent, "feed": feed, "field": field}
                assert grafana.has_data(grafana.texts, **chosen), chosen
                assert grafana.has_data(grafana.numbers, **chosen) == (kind in NUMBERS), chosen
                shown.add(kind)
    assert shown == {"float", "integer", "boolean", "string"}
