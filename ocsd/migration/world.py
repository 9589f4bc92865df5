"""The questions that a move asks this machine."""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class World:
    """Answers about this machine; each is asked for what the files name."""

    has_program: Callable[[str], bool]
    """Whether a program, by name or path, can be run."""
    has_folder: Callable[[str], bool]
    """Whether a folder is there."""
    has_node_config: Callable[[str], bool]
    """Whether a folder holds a configuration of crossbar."""
    why_no_class: Callable[[str], str]
    """Why ocsd has not got an agent class; empty if it has."""
    logs_folder: str = ""
    """``LOGS_DIRECTORY``; empty if it is not set."""
