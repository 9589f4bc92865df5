"""What docs/data/recording.md says is what happens."""

import ast
import inspect
import re
from pathlib import Path

from ocsd.aggregator.agent import Aggregator
from ocsd.aggregator.numbers.hole import Hole
from ocsd.aggregator.recording import condition
from ocsd.daemon.instances.plan import plan
from ocsd.site import recording
from ocsd.site.load import load

PAGE = (Path(__file__).parents[3] / "docs" / "data" / "recording.md").read_text()
OF_OCS = {"current_file", "providers"}


def test_the_page_explains_every_key_of_the_session_data():
    (example,) = re.findall(
        r"response\.session\['data'\]\n(.*)", inspect.getdoc(Aggregator.record), re.DOTALL
    )
    keys = ast.literal_eval(example.strip()).keys() - OF_OCS
    table = PAGE.split("| key | meaning |")[1].split("\n\n")[0]
    told = [
        name
        for cell in re.findall(r"^\| (`.*?) \|", table, re.MULTILINE)
        for name in re.findall(r"`(\w+)`", cell)
    ]
    assert sorted(told) == sorted(keys)


def test_the_site_file_of_the_page_records_as_it_says(tmp_path):
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    file = tmp_path / "site.yaml"
    file.write_text("hub: {wamp_server: ws://control:8001/ws}\n" + example)
    site = load(file)
    for address, host in (("thermo1", "cryostat"), ("aggregator-cryostat", "cryostat")):
        assert recording.recorders_of(site, f"observatory.{address}.feeds.f") == (host,)
    assert recording.recorders_of(site, "observatory.by-hand.feeds.f") == ("control",)
    ids = {each.instance_id for each in plan(site, site.hosts["cryostat"], "/data").instances}
    assert "aggregator-cryostat" in ids


def test_the_page_names_every_field_of_a_hole():
    told = PAGE.split("with the fields ")[1].split(";")[0]
    assert re.findall(r"`(\w+)`", told) == list(Hole.__slots__)


def test_the_page_has_the_times_and_sizes_of_the_program():
    assert f"waiting for more than {condition.MOST_LAG_S:.0f} s" in PAGE
    assert f"refused in the last {condition.REFUSED_FOR_S / 60:.0f} minutes" in PAGE
    assert f"dropped in the last {condition.DROPPED_FOR_S / 60:.0f} minutes" in PAGE
    assert condition.LOST_FOR_S == 3600
    assert "lost for good in the last hour" in PAGE
