"""setup.cfg tells pip the truth."""

import configparser
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_setup_cfg_lists_every_package():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    found = {
        ".".join(path.parent.relative_to(ROOT).parts).replace("agents", "ocsd_agents", 1)
        if path.is_relative_to(ROOT / "agents")
        else ".".join(path.parent.relative_to(ROOT).parts)
        for folder in ("ocsd", "agents")
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert listed == found
