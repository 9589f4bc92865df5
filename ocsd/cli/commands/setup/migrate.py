"""`ocsd migrate`: move a site from OCS to ocsd, and back."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from ocsd.cli.arguments import options
from ocsd.errors import ConfigurationError

if TYPE_CHECKING:
    from ocsd.cli.migration.reading import OcsSite

_FILE = click.Path(path_type=Path)


@options.command(
    "ocsd migrate                                 # what is taken, what differs, what to do",
    "ocsd migrate --site-file ocs/default.yaml --host daq-1",
    "ocsd migrate --write new.yaml                # a site file for OCS and for ocsd",
    "ocsd migrate --try                           # beside the running OCS",
    "ocsd migrate --back                          # how to return to OCS",
    after="Exit code 78 means that something has to be corrected first.",
)
@options.site_file_option
@options.host_entry_option
@click.option(
    "--docker-compose",
    "compose_files",
    metavar="FILE",
    type=_FILE,
    multiple=True,
    help="A compose file of the site; those that the HostManager has are read by themselves.",
)
@click.option(
    "--crossbar",
    metavar="PATH",
    type=_FILE,
    help="Crossbar's configuration or its folder; by default config-dir of the site file.",
)
@click.option(
    "--units",
    "unit_folder",
    metavar="FOLDER",
    type=_FILE,
    default=Path("/etc/systemd/system"),
    show_default=True,
    help="Folder of the systemd units that start OCS.",
)
@click.option("--write", metavar="FILE", type=_FILE, help="Write the new site file there.")
@click.option("--try", "is_try", is_flag=True, help="Try it beside the running OCS.")
@click.option("--back", "is_back", is_flag=True, help="Print the steps back to OCS.")
@options.json_option
def migrate(
    site_file: str | None,
    host: str | None,
    compose_files: tuple[Path, ...],
    crossbar: Path | None,
    unit_folder: Path,
    write: Path | None,
    is_try: bool,
    is_back: bool,
    as_json: bool,
) -> int:
    """Read a site of OCS, and say what becomes of each line of it under ocsd.

    Read are the site file, the compose files of its HostManager, crossbar's configuration, and
    the systemd units that start OCS on this machine. No file is changed.

    Each line of the report is FILE:LINE: THING: what becomes of it; the next step. It begins with
    taken (as it is), differs, to do, or first (ocsd cannot start before that).

    With --write, the site file is written anew, with all comments, so that OCS and ocsd both
    accept it and read the same in it.

    With --try, ocsd looks at ports, at the agents that answer on the router, and at the arguments
    of each agent, and starts its own router, recorder and page at free ports, for a moment. No
    agent of the site is started.
    """
    from ocsd.cli.migration import reading, text
    from ocsd.site import load

    if is_try and is_back:
        raise click.UsageError("--try and --back exclude each other; pass one")
    sources = reading.Sources(load.find(site_file), host, compose_files, crossbar, unit_folder)
    site = reading.read(sources)
    if is_back:
        return text.print_steps(_steps(site, unit_folder), as_json=as_json)
    if is_try:
        _try(site)
    code = text.print_findings(site.findings, as_json=as_json)
    if write is not None:
        _write(site, write)
    return code


def _try(site: "OcsSite") -> None:
    from ocsd.cli.migration import trying
    from ocsd.migration import attempt
    from ocsd.site import load

    if site.site is None:
        return  # the findings say why
    host = site.host or load.pick_host(site.site, site.sources.host)
    file = str(site.sources.site_file)
    print(f"ocsd: trying host {host.name} beside OCS; no agent is started", file=sys.stderr)
    seen = trying.observe(site.site, host)
    found = attempt.findings(seen, file, host, host.hub(site.site.hub), site.rewritten.old_line)
    site.findings += [*found, *trying.parts(host, file)]


def _steps(site: "OcsSite", unit_folder: Path) -> list[tuple[str, str]]:
    from ocsd.migration import returning

    if site.site is None:
        raise ConfigurationError(str(site.findings[0]))
    has_unit = any(unit_folder.glob("ocsd*.service"))
    found = returning.steps(site.site, site.host, site.units, site.services, has_unit=has_unit)
    return [(each.command, each.reason) for each in found]


def _write(site: "OcsSite", file: Path) -> None:
    """Write the new site file, if ocsd can read it.

    Raises
    ------
    ConfigurationError
        If it cannot be read by ocsd, or the file is there or cannot be written.
    """
    from ocsd.system import files

    if site.site is None:
        raise ConfigurationError(
            f"{file} is not written: ocsd cannot read it before the lines marked `first` are "
            "corrected"
        )
    if file.exists() or file.is_symlink():
        raise ConfigurationError(
            f"{file} is there already and is not overwritten; name another file"
        )
    try:
        with files.replacing(file, shared=True) as unfinished:
            unfinished.write_text(site.rewritten.text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"cannot write {file}: {error.strerror}") from error
    print(
        f"ocsd: wrote {file}, which OCS and ocsd both read; next: ocsd check --site-file {file}",
        file=sys.stderr,
    )
