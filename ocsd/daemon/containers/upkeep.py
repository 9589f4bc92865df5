"""OCS's tasks for containers: pull images, remove orphans."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ocsd.containers.inspected import STOP_LIMIT_S, ListedContainer
from ocsd.containers.services import first_cause
from ocsd.daemon.containers.files import ComposeFiles
from ocsd.daemon.containers.looks import Looks
from ocsd.daemon.containers.starts import PULL_LIMIT_S
from ocsd.daemon.containers.stops import EXTRA_S
from ocsd.errors import ContainerEngineError
from ocsd.text.reason import shortened


@dataclass(eq=False)
class ComposeUpkeep:
    """Pulls the images of the compose files, and removes what no file has any more."""

    files: ComposeFiles
    looks: Looks

    async def pull(self) -> list[str]:
        """Pull the images of all files, one after the other; return the failures in words."""
        failures: list[str] = []
        for path in self.files.paths:
            try:
                command = self.files.command(path, "pull", limit_s=PULL_LIMIT_S)
                code, printed, said = await command.done
            except ContainerEngineError as error:
                failures.append(f"{path}: {error}")
                continue
            if code:
                failures.append(f"{path}: {shortened(first_cause(said or printed))}")
        self.looks.look_at_images()
        self.looks.soon()
        return failures

    async def remove_orphans(self) -> list[str]:
        """End and remove all orphans; return the failures in words."""
        failures: list[str] = []
        engine = self.looks.engine
        for container_id, row in list(self.looks.orphans.items()):
            try:
                if row.state == "running":
                    await engine.stop(container_id, STOP_LIMIT_S + EXTRA_S)
                await engine.remove(container_id)
            except ContainerEngineError as error:
                failures.append(f"{row.service}: {error}")
        self.looks.soon()
        return failures


def orphans(rows: Mapping[str, ListedContainer]) -> dict[str, Any]:
    """Return orphans as OCS's HostManager shows them, by container."""
    return {
        container_id: {
            "compose_file": next(iter(row.files), ""),
            "service": row.service,
            "container_id": container_id,
            "running": row.state == "running",
            "exit_code": row.exit_code * (row.state != "running"),
            "container_found": True,
            "running_image": row.image_id,
        }
        for container_id, row in rows.items()
    }
