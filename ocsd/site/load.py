"""Finds the site file, reads it and picks the entry of this machine."""

import hashlib
import os
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ocsd.errors import SiteFileError, UnknownHostError, UsageError
from ocsd.site.document import Document, Location, Problem, read
from ocsd.site.model import (
    ALARMS_NAME,
    BRIDGE_NAME,
    MANAGE_WORDS,
    WEB_NAME,
    Host,
    Hub,
    Manage,
    Site,
)
from ocsd.site.values import guess
from ocsd.site.values.guess import DEFAULT_SITE
from ocsd.site.wording import keys_at, problems_of, spellings, unknown_key, unused_key
from ocsd.text.nearest import did_you_mean

HUB_VARIABLES = {"wamp_server": "OCSD_SITE_HUB", "wamp_http": "OCSD_SITE_HTTP"}
"""Variables that a daemon's environment has if it was given other URLs than the site file's."""


def find(site_file: str | os.PathLike[str] | None = None, site: str | None = None) -> Path:
    """Return the site file to use.

    Parameters
    ----------
    site_file : path, optional
        The file itself (``--site-file``).
    site : str, optional
        Name of a site (``--site``), by default ``default``: `site`.yaml is looked
        for in ``$OCS_CONFIG_DIR``, ``./site-configs`` and ``/etc/ocsd``.

    Raises
    ------
    SiteFileError
        If there is none; lists the places.
    UsageError
        If both arguments are given.
    """
    if site_file is not None and site is not None:
        raise UsageError(f"--site-file {site_file} and --site {site} exclude each other; pass one")
    if site_file is not None:
        path = Path(site_file).expanduser()
        if not os.path.isfile(path):
            near = _near_file(path.name, [path.parent])
            raise SiteFileError(f"there is no site file {path}{near}")
        return path
    name = f"{site or DEFAULT_SITE}.yaml"
    folders = guess.folders()
    for folder in folders:
        if os.path.isfile(folder / name):
            return folder / name
    raise SiteFileError(_nowhere(name, folders, is_usual=site is None))


def _nowhere(name: str, folders: list[Path], *, is_usual: bool) -> str:
    """Return the message about a site file that is in none of the folders."""
    places = "".join(f"\n  {folder / name}" for folder in folders)
    hint = "pass --site-file"
    if not os.environ.get("OCS_CONFIG_DIR"):
        hint += " or set OCS_CONFIG_DIR"
    if is_usual:
        hint += "; `ocsd init` writes a new one"
    return f"no site file found{_near_file(name, folders)}; {hint}; looked for{places}"


def load(path: str | os.PathLike[str], text: str | None = None) -> Site:
    """Read a site file, or a `text` as if it stood in that file.

    Raises
    ------
    SiteFileError
        If it cannot be read or used. Each line of the message is one problem,
        ``FILE:LINE: what is wrong``; all problems are listed.
    """
    content = _content(Path(path), text)
    text = _decoded(Path(path), content)
    document = read(text, spellings())
    problems = list(document.problems)
    warnings = [*document.warnings, *_left_out(document)]
    site = None
    if document.value is None:
        if not problems:
            problems = [Problem(1, "the file is empty; it needs the keys hub and hosts")]
    else:
        problems += _repeated_instances(document)
        try:
            site = Site.model_validate(_prepared(document, Path(path).absolute(), problems))
        except ValidationError as error:
            problems += problems_of(error, document)
        for name, host in _hosts(document):
            if isinstance(host.get("alarms"), dict):
                _check_alarms(document, name, host["alarms"], problems, warnings)
    if site is None or problems:
        # An anchor that is used often has its problem as often.
        lines = (f"{path}:{problem.line}: {problem.text}" for problem in sorted(set(problems)))
        raise SiteFileError("\n".join(lines))
    told = (f"{path}:{each.line}: {each.text}" for each in sorted(set(warnings)))
    return site.model_copy(update={"warnings": tuple(told), "digest": digest(content)})


def digest(content: bytes) -> str:
    """Return the digest by which versions of a site file are told apart: SHA-256, in hex."""
    return hashlib.sha256(content).hexdigest()


def _check_alarms(
    document: Document,
    name: str,
    value: dict[str, Any],
    problems: list[Problem],
    warnings: list[Problem],
) -> None:
    """Check the alarms of a host; their models are loaded only for a file that has some."""
    from ocsd.site.alarms import check

    place, value = ("hosts", name, "alarms"), _without_empty(value)
    problems += check.unknown_receivers(value, document, place)
    known = _known_instances(document)
    try:
        warnings += check.unknown_instances(value, document, place, known)
    except ValidationError as error:
        problems += problems_of(error, document, place)


def _known_instances(document: Document) -> set[str]:
    """Return the names of all instances of the file, and of those that ocsd adds."""
    entries = (entry for _, host in _hosts(document) for _, entry in _entries(host))
    listed = {str(entry.get("instance-id")) for entry in entries}
    listed |= {f"aggregator-{name}" for name, _ in _hosts(document)}
    return listed | {"registry", "aggregator", "router", WEB_NAME, ALARMS_NAME, BRIDGE_NAME}


def pick_host(site: Site, name: str | None = None, hostname: str | None = None) -> Host:
    """Return the entry of the host `name`, by default that of this machine.

    The latter has this machine's `hostname`, as it is or up to its first dot, or is
    ``localhost``.

    Raises
    ------
    UnknownHostError
        If there is no such entry; lists those that there are.
    """
    machine = hostname or socket.gethostname()
    host = of_this_machine(site, machine)
    if name:
        host = site.hosts.get(name)
    if host is not None:
        return host
    where = site.path or "the site"
    there = f"it has {', '.join(site.hosts) or 'no hosts at all'}"
    if name:
        near = did_you_mean(name, site.hosts)
        raise UnknownHostError(f"{where} has no host {name!r}; {there}{near}")
    raise UnknownHostError(
        f"{where} has no host {machine!r} (this machine) and no 'localhost'; {there}; "
        "choose one with --host (of an agent: --site-host)"
    )


def runs_router(site: Site, host: Host) -> bool:
    """Say whether the site's router belongs on a host."""
    if host.has_own_router:
        return False
    return host.crossbar is not None or len(site.hosts) == 1


def router_of_site(site: Site, host: Host) -> Hub:
    """Return the site's router as a host reaches it, also beside one of its own."""
    return site.hub if host.has_own_router else host.hub(site.hub)


def of_this_machine(site: Site, hostname: str | None = None) -> Host | None:
    """Return the entry that is this machine's: of its name, of its short name, or `localhost`."""
    machine = hostname or socket.gethostname()
    for candidate in (machine, machine.partition(".")[0], "localhost"):
        if candidate in site.hosts:
            return site.hosts[candidate]
    return None


def own_host(site: Site, name: str | None = None) -> Host:
    """Return `pick_host` for a daemon: with the URLs of the router that its environment has."""
    host = pick_host(site, name)
    if host.has_own_router:
        return host  # its URLs are those of that router
    given = {key: os.environ.get(variable) for key, variable in HUB_VARIABLES.items()}
    return host.model_copy(update={key: url for key, url in given.items() if url})


def _near_file(name: str, folders: list[Path]) -> str:
    there = {file.name: file for folder in folders for file in sorted(folder.glob("*.yaml"))}
    return did_you_mean(name, there)


def _content(path: Path, text: str | None) -> bytes:
    if text is not None:
        return text.encode()
    try:
        return path.read_bytes()
    except OSError as error:
        raise SiteFileError(f"cannot read site file {path}: {error.strerror}") from error


def _decoded(path: Path, content: bytes) -> str:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = bytes(error.object[: error.start]).count(b"\n") + 1
        raise SiteFileError(
            f"{path}:{line}: byte 0x{error.object[error.start]:02x} is not UTF-8; save the file "
            "as UTF-8"
        ) from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _hosts(document: Document) -> Iterator[tuple[str, dict[str, Any]]]:
    match document.value:
        case {"hosts": dict() as hosts}:
            yield from ((name, host) for name, host in hosts.items() if isinstance(host, dict))


def _entries(host: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    entries = host.get("agent-instances")
    if isinstance(entries, list):
        for index, entry in enumerate(entries):
            if isinstance(entry, dict):
                yield index, entry


def _left_out(document: Document) -> Iterator[Problem]:
    """Take keys out of the document that OCS accepts and nothing reads; yield a warning for each.

    Where the file itself has no mapping of keys, there is nothing to take out.
    """
    mappings: list[tuple[Location, Any]] = [((), document.value)]
    if isinstance(document.value, dict):
        mappings.append((("hub",), document.value.get("hub")))
    for name, host in _hosts(document):
        mappings += [(("hosts", name), host), (("hosts", name, "crossbar"), host.get("crossbar"))]
        entries = _entries(host)
        mappings += [(("hosts", name, "agent-instances", index), each) for index, each in entries]
    for location, mapping in mappings:
        if isinstance(mapping, dict):
            for key in mapping.keys() - keys_at(location):
                warning = unused_key((*location, key))
                if warning is not None:
                    yield Problem(document.key_line((*location, key)), warning)
                    del mapping[key]


def _lines(document: Document, *outer: str) -> dict[str, int]:
    """Return the lines of what stands inside `outer`, but for instances."""
    start = len(outer)
    return {
        "/".join(map(str, location[start:])): line
        for location, line in document.lines.items()
        if location[:start] == outer and "agent-instances" not in location[start : start + 1]
    }


def _prepared(document: Document, path: Path, problems: list[Problem]) -> Any:
    """Return the document's value with the fields that the file does not spell out."""
    value = document.value
    if not isinstance(value, dict):
        return value

    def add(mapping: dict[str, Any], *location: str | int, **fields: Any) -> None:
        for key in fields.keys() & mapping.keys():
            inner = (*location, key)
            problems.append(Problem(document.key_line(inner), unknown_key(inner)))
        mapping.update(fields)

    hub = {f"hub/{key}".rstrip("/"): line for key, line in _lines(document, "hub").items()}
    add(value, path=str(path), lines=hub, digest="")
    for name, host in _hosts(document):
        host["agent-paths"] = _absolute(host.get("agent-paths"), path.parent)
        if "alarms" in host:
            from ocsd.site.alarms import check

            told = check.with_empty_entries(host["alarms"])
            host["alarms"] = check.absolute_files(told, path.parent)
        for index, entry in _entries(host):
            location = ("hosts", name, "agent-instances", index)
            entry["python"] = _absolute(entry.get("python"), path.parent)
            add(entry, *location, line=document.line(location))
        add(host, "hosts", name, name=name, lines=_lines(document, "hosts", name))
    hosts = value.get("hosts")
    if isinstance(hosts, dict):
        # `grumpy:` with nothing after it is a host without instances.
        empty = (name for name, host in hosts.items() if host is None)
        value["hosts"] = hosts | {name: {"name": name} for name in empty}
    return _without_empty(value)


def _absolute(paths: Any, folder: Path) -> Any:
    match paths:
        case str():
            return str(folder / Path(paths).expanduser())
        case list():
            return [_absolute(path, folder) for path in paths]
        case _:
            return paths


def _without_empty(value: Any) -> Any:
    """Leave out keys without a value, which mean the same as absent ones."""
    match value:
        case dict():
            return {key: _without_empty(inner) for key, inner in value.items() if inner is not None}
        case list():
            return [_without_empty(item) for item in value]
        case _:
            return value


def _repeated_instances(document: Document) -> Iterator[Problem]:
    """Find instance-ids that two agents would use.

    OCS sites that use docker list an agent twice: on the host whose HostManager starts
    the container (manage: docker), and on a host that stands for the container.
    Therefore entries of several hosts may share an id if ocsd runs at most one of them.
    """
    first: dict[str, tuple[str, int, bool]] = {}
    for name, host in _hosts(document):
        for index, entry in _entries(host):
            instance_id = entry.get("instance-id")
            if not isinstance(instance_id, str):
                continue
            line = document.line(("hosts", name, "agent-instances", index, "instance-id"))
            runs = _runs(entry)
            if instance_id not in first:
                first[instance_id] = (name, line, runs)
                continue
            other_host, other_line, other_runs = first[instance_id]
            if other_host == name or (runs and other_runs):
                yield Problem(
                    line,
                    f"instance-id {instance_id!r} is used already in line {other_line} (host "
                    f"{other_host!r}); every agent of a site needs its own",
                )
            elif runs:
                first[instance_id] = (name, line, runs)


def _runs(entry: Mapping[str, Any]) -> bool:
    word = entry.get("manage")
    if not isinstance(word, str | bool):
        return True
    return MANAGE_WORDS.get(word, Manage.UP) in {Manage.UP, Manage.DOWN}
