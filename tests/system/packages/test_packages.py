"""Sdist and wheels hold everything, are the same wherever they are built, and can be installed.

The long tests, in empty systems of Debian, are scripts in this folder: `make packages`.
"""

import email
import hashlib
import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

from ocsd import __version__
from ocsd.cli.main import _COMMANDS

pytestmark = pytest.mark.system

ROOT = Path(__file__).parents[3]
BUILD = "deploy/build.py"


def build(root, folder, python, *kinds):
    """Build packages of a source tree with the time of 2026."""
    environment = {**os.environ, "SOURCE_DATE_EPOCH": "1780000000"}
    command = [sys.executable, root / BUILD, folder, "--python", python, "--only", *kinds]
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL, timeout=200)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="module")
def python(folder):
    """An environment with what pyproject.toml requires."""
    sys.path.insert(0, str(ROOT / "deploy"))
    try:
        from build import build_environment
    finally:
        sys.path.pop(0)
    return build_environment(folder / "environment")


@pytest.fixture(scope="module")
def built(folder, python):
    build(ROOT, folder / "clone", python, "sdist", "wheel", "agent")
    return folder / "clone"


def only(folder, pattern):
    (file,) = folder.glob(pattern)
    return file


def digests(folder):
    return {
        file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.glob("ocsd*")
    }


def test_an_archive_gives_the_same_packages_bit_by_bit(built, folder, python):
    with tarfile.open(only(built, "*.tar.gz")) as archive:
        archive.extractall(folder / "unpacked", filter="data")
    source = only(folder / "unpacked", "ocsd-*")
    build(source, folder / "archive", python, "wheel")
    build(ROOT, folder / "again", python, "sdist")

    expected = digests(built)
    made = digests(folder / "archive") | digests(folder / "again")
    assert len(made) == 2
    assert made == {name: expected[name] for name in made}


def test_the_wheel_holds_what_belongs_to_a_release(built):
    with zipfile.ZipFile(only(built, "ocsd-*.whl")) as wheel:
        modules = {"ocsd/migration/finding.py", "ocsd/documents/reference/site-file.md"}
        assert modules <= set(wheel.namelist())
        names = {name.partition(".data/data/")[2] for name in wheel.namelist()}
        text = wheel.read(f"ocsd-{__version__}.data/data/share/man/man1/ocsd-migrate.1").decode()
        bash = f"ocsd-{__version__}.data/data/share/bash-completion/completions/ocsd"
        assert "_OCSD_COMPLETE=bash_complete" in wheel.read(bash).decode()
    for command in _COMMANDS:
        assert f"share/man/man1/ocsd-{command}.1" in names
    assert "share/man/man1/ocsd-access-init.1" in names
    assert "Read a site of OCS" in text
    for name in (
        "share/fish/vendor_completions.d/ocsd.fish",
        "share/ocsd/constraints/locked.txt",
        "share/ocsd/grafana/dashboards/site.json",
        "share/ocsd/prometheus/ocsd.rules.yml",
        "share/ocsd/site-configs/default.yaml",
        "share/ocsd/systemd/ocsd.service",
        "share/zsh/site-functions/_ocsd",
    ):
        assert name in names


def test_an_agents_host_needs_neither_so3g_nor_crossbar(built):
    required = {}
    for kind in ("ocsd", "ocsd_agent"):
        with zipfile.ZipFile(only(built, f"{kind}-*.whl")) as wheel:
            name = f"{kind}-{__version__}.dist-info/METADATA"
            metadata = email.message_from_bytes(wheel.read(name))
        needed = [each for each in metadata.get_all("Requires-Dist") if "extra ==" not in each]
        required[kind] = {each.partition(">")[0] for each in needed}
    assert required["ocsd"] - required["ocsd_agent"] == {"so3g"}
    assert "crossbar" not in required["ocsd"]


def test_a_wheel_is_installed_into_an_empty_environment(built, folder):
    environment = folder / "empty"
    venv.create(environment, with_pip=False)
    command = [sys.executable, "-m", "pip", "--python", environment / "bin/python", "install"]
    options = ["--quiet", "--no-index", "--no-deps", "--no-compile"]
    subprocess.run([*command, *options, only(built, "ocsd-*.whl")], check=True, timeout=100)
    # Other people's packages are those of the tests; `make packages` installs them all anew.
    (site_packages,) = environment.glob("lib/python*/site-packages")
    theirs = [path for path in sys.path if path.endswith("site-packages")]
    (site_packages / "theirs.pth").write_text("\n".join(theirs) + "\n")

    site_file = environment / "share/ocsd/site-configs/default.yaml"
    done = subprocess.run(
        [environment / "bin/ocsd", "check", "--site-file", site_file],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    told = subprocess.run(
        [environment / "bin/python", "-c", "import ocsd; print(ocsd.__file__)"],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=folder,
    )
    assert told.stdout.startswith(str(environment))
