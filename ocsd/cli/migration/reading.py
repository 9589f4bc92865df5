"""Reads an OCS site: its site file, compose files, crossbar's configuration and units."""

import os
import shutil
import socket
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from ocsd.errors import ConfigurationError, OcsdError, SiteFileError, UnknownHostError
from ocsd.migration import entries, node, services, units
from ocsd.migration.edits import Rewritten
from ocsd.migration.finding import MoveFinding, Paper, in_order
from ocsd.migration.rewriting import rewrite
from ocsd.migration.services import ComposeService
from ocsd.migration.units import Unit
from ocsd.migration.world import World
from ocsd.site import compose, load
from ocsd.site.model import Host, Site

UNIT_FOLDER = Path("/etc/systemd/system")
_LONGEST_SCRIPT_BYTES = 100_000


@dataclass(frozen=True, slots=True)
class Sources:
    """The files to read; what is empty is looked for where the site file says."""

    site_file: Path
    host: str | None = None
    compose_files: Sequence[Path] = ()
    crossbar: Path | None = None
    unit_folder: Path = UNIT_FOLDER


@dataclass(slots=True)
class OcsSite:
    """An OCS site as it was read, and everything that was found in it."""

    sources: Sources
    rewritten: Rewritten
    site: Site | None
    """The rewritten site; None if ocsd cannot read it."""
    host: Host | None
    """The entry of this machine."""
    units: list[Unit]
    services: list[tuple[str, ComposeService]] = field(default_factory=list)
    findings: list[MoveFinding] = field(default_factory=list)


def read(sources: Sources) -> OcsSite:
    """Read an OCS site and judge it.

    Raises
    ------
    SiteFileError
        If the site file cannot be read.
    UnknownHostError
        If it has no host of the name given.
    """
    file = str(sources.site_file)
    text = _content(sources.site_file)
    found_units = list(_units(sources.unit_folder))
    name = _host_name(sources, text)
    named = [each for unit in found_units for each in unit.compose_files]
    draft = rewrite(text, file, _world(None), named, name)
    result = OcsSite(sources, draft.rewritten, None, None, found_units)
    found = list(draft.findings)
    try:
        site = load.load(sources.site_file, draft.rewritten.text)
    except SiteFileError as error:
        found += entries.refusals(Paper(file), str(error), draft.rewritten)
    else:
        result.site = site
        result.host = site.hosts.get(name)
        found += _of_site(result, site, Paper(file))
    found += units.findings(found_units)
    result.findings = in_order(found)
    return result


def _of_site(read_so_far: OcsSite, site: Site, paper: Paper) -> Iterator[MoveFinding]:
    sources, host = read_so_far.sources, read_so_far.host
    if sources.host is not None and host is None:
        load.pick_host(site, sources.host)  # raises, with the names that there are
    python = next((each.python for each in read_so_far.units if each.python), None)
    old_line = read_so_far.rewritten.old_line
    yield from entries.Reader(paper, site, old_line, _world(host), host, python).findings()
    yield from _of_compose_files(read_so_far, site)
    for file in _node_files(sources, host):
        hub = host.hub(site.hub) if host else site.hub
        yield from node.findings(_content(file), str(file), hub)


def _of_compose_files(read_so_far: OcsSite, site: Site) -> Iterator[MoveFinding]:
    for file in _compose_files(read_so_far.sources, read_so_far.host):
        try:
            text = file.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            cause = f"it cannot be read: {getattr(error, 'strerror', None) or error}"
            yield Paper(str(file)).to_do(None, "compose file", cause, "correct the path")
            continue
        read_so_far.services += [(str(file), each) for each in services.services_of(text)[0]]
        yield from services.findings(text, str(file), site, read_so_far.host)


def _host_name(sources: Sources, text: str) -> str:
    """Return the name of this machine's entry, before the file is known to be right."""
    if sources.host is not None:
        return sources.host
    machine = socket.gethostname()
    for name in (machine, machine.partition(".")[0], "localhost"):
        if f"{name}:" in text or f"{name}':" in text or f'{name}":' in text:
            return name
    return machine


def _content(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise SiteFileError(f"{file}: it is not UTF-8 ({error.reason}); save it as such") from error
    except OSError as error:
        raise SiteFileError(f"cannot read {file}: {error.strerror}") from error


def _compose_files(sources: Sources, host: Host | None) -> list[Path]:
    named = compose.options(host, {}).files if host is not None else ()
    folder = sources.site_file.parent
    return list(dict.fromkeys([*(folder / each for each in named), *sources.compose_files]))


def _node_files(sources: Sources, host: Host | None) -> list[Path]:
    """Return crossbar's configuration; that of a path given has to be there."""
    given = sources.crossbar
    if given is None:
        named = host and host.crossbar and host.crossbar.config_dir
        return _nodes_in(Path(named)) if named else []
    if given.is_file():
        return [given]
    there = _nodes_in(given)
    if not there:
        raise ConfigurationError(f"{given} holds no config.json or config.yaml; correct --crossbar")
    return there


def _nodes_in(folder: Path) -> list[Path]:
    files = [folder / name for name in ("config.json", "config.yaml")]
    return [each for each in files if each.is_file()][:1]


def _units(folder: Path) -> Iterator[units.Unit]:
    for file in sorted(folder.glob("*.service")):
        text = _readable(file)
        program = units.program_of(text)
        script = ""
        if program and Path(program).suffix in {".sh", ".bash", ""}:
            script = _script(Path(program))
        unit = units.Unit(file.name, str(file), text, program if script else None, script)
        if unit.role is not None and not file.name.startswith("ocsd"):
            yield unit


def _readable(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _script(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(_LONGEST_SCRIPT_BYTES)
    except OSError:
        return ""
    # `#!/usr/bin/python3` of a program says nothing about OCS's site.
    is_shell = content.startswith(b"#!") and b"sh" in content.partition(b"\n")[0]
    return content.decode("utf-8", "replace") if is_shell else ""


def _world(host: Host | None) -> World:
    return World(
        has_program=lambda name: shutil.which(os.path.expanduser(name)) is not None,
        has_folder=os.path.isdir,
        has_node_config=_has_node_config,
        why_no_class=_classes(host),
        logs_folder=os.environ.get("LOGS_DIRECTORY", ""),
    )


def _has_node_config(folder: str) -> bool:
    return bool(_nodes_in(Path(folder)))


def _classes(host: Host | None) -> Callable[[str], str]:
    @cache
    def why_no_class(name: str) -> str:
        from ocsd import site_config

        if host is None:
            return ""
        try:
            site_config.agent_classes(host.agent_paths).find(name)
        except UnknownHostError:
            raise
        except OcsdError as error:
            return str(error).partition(";")[0]
        return ""

    return why_no_class
