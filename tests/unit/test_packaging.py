"""setup.cfg tells pip the truth."""

import configparser
from glob import glob
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

ROOT = Path(__file__).parents[2]


def test_setup_cfg_lists_every_package():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split()) - {"ocs-stubs"}  # no code
    found = {
        ".".join(path.parent.relative_to(ROOT).parts).replace("agents", "ocsd_agents", 1)
        if path.is_relative_to(ROOT / "agents")
        else ".".join(path.parent.relative_to(ROOT).parts)
        for folder in ("ocsd", "agents")
        for path in (ROOT / folder).rglob("__init__.py")
    }
    assert listed == found


def test_every_template_of_a_new_agent_is_installed():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    patterns = config["options.package_data"]["ocsd.cli.scaffold"].split()
    scaffold = ROOT / "ocsd" / "cli" / "scaffold"
    # glob is what setuptools does, pathlib is not: it takes `*` for hidden files, too.
    installed = {
        Path(file) for each in patterns for file in glob(f"{scaffold}/{each}", recursive=True)
    }
    assert installed == {path for path in (scaffold / "templates").rglob("*") if path.is_file()}


@pytest.mark.parametrize("name", ["locked", "oldest"])
def test_the_constraints_follow_setup_cfg(name):
    """`make lock` has been run since a requirement was changed."""
    versions = _constraints(name)

    for requirement in _requirements(name):
        for version in versions[canonicalize_name(requirement.name)]:
            assert requirement.specifier.contains(version), f"run `make lock`: {requirement}"


def test_the_oldest_versions_are_the_floors_of_setup_cfg():
    versions = _constraints("oldest")
    floors = {
        canonicalize_name(requirement.name): Version(next(iter(requirement.specifier)).version)
        for requirement in _requirements("oldest")
    }

    assert {name: versions[name] for name in floors} == {
        name: [floor] for name, floor in floors.items()
    }


def _requirements(name):
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = config["options.extras_require"]
    wanted = extras if name == "locked" else ("data", "tui", "postgres", "test")
    lines = [config["options"]["install_requires"], *(extras[extra] for extra in wanted)]
    return [Requirement(line) for line in "\n".join(lines).split("\n") if line.strip()]


def _constraints(name):
    """Return the versions of each package; several if they depend on the version of Python."""
    versions = {}
    for line in (ROOT / "constraints" / f"{name}.txt").read_text().splitlines():
        if not line.startswith("#"):
            pin = Requirement(line)
            versions.setdefault(pin.name, []).append(Version(next(iter(pin.specifier)).version))
    return versions
