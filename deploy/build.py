"""Builds the packages of ocsd: ``python deploy/build.py FOLDER`` makes sdist and wheels there.

They are the same, bit by bit, wherever and whenever the same commit is built: SOURCE_DATE_EPOCH is
the time of the commit unless it is set. It takes committed files only, as they are now.
"""

import argparse
import gzip
import importlib.util
import io
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
EARLIEST_S = 315_532_800
"""1980, before which no time can stand in a wheel [s]."""
KINDS = {
    "sdist": ("build_sdist", {}),
    "wheel": ("build_wheel", {}),
    "agent": ("build_wheel", {"OCSD_DISTRIBUTION": "agent"}),
}
"""What is made: the hook of the build backend, and variables for it."""


def main() -> None:
    """Build sdist, wheel, and the wheel for hosts of agents."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=KINDS, nargs="+", default=list(KINDS))
    parser.add_argument("--python", type=Path, help="one with what pyproject.toml requires")
    parser.add_argument(
        "--html", action="store_true", help="with build/docs, the pages that `make docs` has made"
    )
    given = parser.parse_args()
    folder = given.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    epoch = max(EARLIEST_S, int(os.environ.get("SOURCE_DATE_EPOCH") or commit_time()))
    with tempfile.TemporaryDirectory() as scratch:
        python = given.python or build_environment(Path(scratch, "environment"))
        variables = {"SOURCE_DATE_EPOCH": str(epoch), "PYTHONHASHSEED": "0", "LC_ALL": "C.UTF-8"}
        source = Path(scratch, "source")
        for hook, more in (KINDS[each] for each in given.only):
            shutil.rmtree(source, ignore_errors=True)
            copy_tracked(source, epoch)
            if given.html:
                shutil.copytree(ROOT / "build/docs", source / "build/docs")
            made = subprocess.run(
                [python, "-c", f"import setuptools.build_meta as b; print(b.{hook}(r'{folder}'))"],
                cwd=source,
                env={**os.environ, **variables, **more},
                stdout=subprocess.PIPE,
                text=True,
                check=True,
                umask=0o022,
            ).stdout.splitlines()[-1]
            if made.endswith(".tar.gz"):
                repack(folder / made, epoch)
            print(folder / made)


def commit_time() -> str:
    """Return the time of the commit; of an unpacked archive that of its newest file."""
    if (ROOT / ".git").exists():
        return git("log", "-1", "--format=%ct").strip()
    return str(int(max(file.stat().st_mtime for file in ROOT.glob("*"))))


def git(*words: str) -> str:
    """Return what git prints about this checkout."""
    return subprocess.run(
        ["git", "-C", str(ROOT), *words], stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def build_environment(folder: Path) -> Path:
    """Make an environment with what pyproject.toml requires; return its Python."""
    requires = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    python = folder / "bin/python"
    # To install pip takes longer than all the rest, so that of this Python is used if it has one.
    has_pip = importlib.util.find_spec("pip") is not None
    made = ["--without-pip"] if has_pip else []
    subprocess.run([sys.executable, "-m", "venv", *made, folder], check=True)
    pip = [sys.executable, "-m", "pip", "--python", python] if has_pip else [python, "-m", "pip"]
    quiet = ["install", "--quiet", "--disable-pip-version-check"]
    locked = ["--constraint", str(ROOT / "constraints/locked.txt")]
    subprocess.run([*pip, *quiet, *locked, *requires], check=True)
    return python


def copy_tracked(target: Path, epoch: int) -> None:
    """Copy what is committed, without the differences between machines: times and modes."""
    if (ROOT / ".git").exists():
        names = git("ls-files", "-z").rstrip("\0").split("\0")
    else:
        files = (file for file in ROOT.rglob("*") if file.is_file())
        names = [str(file.relative_to(ROOT)) for file in files]
    for name in sorted(names):
        origin, copy = ROOT / name, target / name
        if not origin.is_file():
            continue
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(origin, copy)
        copy.chmod(0o755 if os.access(origin, os.X_OK) else 0o644)
        os.utime(copy, (epoch, epoch))


def repack(archive: Path, epoch: int) -> None:
    """Write an sdist anew, in order and without users and times: setuptools keeps those."""
    packed = io.BytesIO()
    with tarfile.open(archive) as old, tarfile.open(fileobj=packed, mode="w") as new:
        for member in sorted(old.getmembers(), key=lambda each: each.name):
            member.mtime, member.uid, member.gid = epoch, 0, 0
            member.uname = member.gname = ""
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            member.pax_headers = {}
            new.addfile(member, old.extractfile(member) if member.isfile() else None)
    with archive.open("wb") as file:
        compressed = gzip.GzipFile("", "wb", fileobj=file, mtime=epoch)
        compressed.write(packed.getvalue())
        compressed.close()


if __name__ == "__main__":
    main()
