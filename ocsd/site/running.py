"""The hub of the site whose daemon runs on this machine, for clients that have no site file."""

import os
from collections.abc import Iterable
from pathlib import Path

from ocsd.errors import SeveralDaemonsError, SiteFileError
from ocsd.site.model import Hub
from ocsd.system import paths, whereabouts


def hub(no_file: SiteFileError) -> Hub:
    """Return the hub of the site of which something runs here.

    An environment that names a runtime folder asks for that one.

    Parameters
    ----------
    no_file : SiteFileError
        Says that there is no site file.

    Raises
    ------
    SiteFileError
        If nothing of a site runs here that this user may ask.
    SeveralDaemonsError
        If several sites run here.
    """
    folders = whereabouts.listening()
    if "RUNTIME_DIRECTORY" in os.environ:
        folders = [folder for folder in folders if folder.parent == paths.runtime_base()]
    found, closed = _hubs(folders)
    if len(found) > 1:
        listed = "; ".join(f"{each.wamp_server} ({name})" for name, each in found.items())
        raise SeveralDaemonsError(
            f"there is no site file, and several sites run here: {listed}; pass --site-file, or "
            "set OCS_CONFIG_DIR"
        ) from no_file
    for each in found.values():
        return each
    if closed:
        places = ", ".join(map(str, closed))
        raise SiteFileError(
            f"{no_file}\nocsd runs here ({places}), but this user may not read for which site: use "
            "its owner's account, or join its group"
        ) from no_file
    raise no_file


def _hubs(folders: Iterable[Path]) -> tuple[dict[str, Hub], list[Path]]:
    """Return the hub of each site, by its first host, and the folders that cannot be read."""
    hubs: dict[str, Hub] = {}
    closed = []
    for folder in folders:
        try:
            found = whereabouts.read(folder)
        except PermissionError:
            closed.append(folder)
            continue
        if found is not None and found.addresses:
            each = Hub.model_validate(dict(found.addresses))
            if each not in hubs.values():
                hubs[found.paths.host] = each
    return hubs, closed
