"""What the stop watch needs to know of the thing that it measures."""

from collections.abc import Mapping
from typing import Protocol


class Side(Protocol):
    """One of the two supervisors."""

    @property
    def name(self) -> str:
        """Its name and version, for the table's head."""
        ...

    def prepare(self) -> None:
        """Do what belongs to the installation and is not measured."""
        ...

    def launch(self) -> None:
        """Issue the command that starts the whole site; return at once."""
        ...

    def launched(self) -> None:
        """Wait until the starting command has nothing more to do."""
        ...

    def supervisors(self, agents: Mapping[str, int]) -> dict[str, int]:
        """Return the pid of each process that only supervises, by role."""
        ...

    def services(self, agents: Mapping[str, int]) -> dict[str, int]:
        """Return the pid of each process that the other side does not run, by role."""
        ...

    def restart(self, instance_id: str) -> None:
        """Ask for a restart in the quickest way there is; may return early."""
        ...

    def status_command(self) -> list[str]:
        """Return the command by which an operator sees how everything does."""
        ...

    def environment(self) -> dict[str, str]:
        """Return the environment of its commands."""
        ...

    def stop_all(self) -> None:
        """Ask for the end of all agents; may return early."""
        ...

    def close(self) -> None:
        """End whatever is left; must not fail when nothing is."""
        ...
