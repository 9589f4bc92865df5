"""``import ocs``: ocsd's own modules, under the names that OCS gives them.

A module that ocsd does not have (OCS's publisher to InfluxDB) is the published one, if
there is one. It runs on ocsd's modules, as any other agent does.
"""

import importlib
import os
import sys
from collections.abc import Callable, Sequence
from importlib.abc import InspectLoader, MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from types import CodeType, ModuleType
from typing import Any

# Names that differ in more than the first word.
_ELSEWHERE = {
    "ocs.access": "ocsd.compat.access",
    "ocs.agent_cli": "ocsd.compat.agent_cli",
    "ocs.client_cli": "ocsd.compat.client_cli",
    "ocs.ocs_systemd": "ocsd.compat.ocs_systemd",
    "ocs.ocsbow": "ocsd.compat.ocsbow",
    "ocs.checkdata": "ocsd.data.checkdata",
    "ocs.agents": "ocsd_agents",
    "ocs.agents.access_director": "ocsd.director",
    "ocs.agents.registry": "ocsd.registry",
    "ocs.agents.aggregator": "ocsd.aggregator",
    "ocs.agents.host_manager": "ocsd.compat",
    "ocs.agents.host_manager.agent": "ocsd.compat.host_manager",
}


def _our_name(name: str) -> str:
    """Return the module of ocsd that is meant by `name`, a module of OCS."""
    for theirs in sorted(_ELSEWHERE, key=len, reverse=True):
        if name == theirs or name.startswith(f"{theirs}."):
            return _ELSEWHERE[theirs] + name.removeprefix(theirs)
    return "ocsd" + name.removeprefix("ocs")


class _Ours(MetaPathFinder, InspectLoader):
    """Loads ``ocs.x`` by importing ``ocsd.x``: one module of two names."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not name.startswith("ocs."):
            return None
        ours = _find_ours(name)
        if ours is None:
            return _find_published(name)
        is_package = ours.submodule_search_locations is not None
        return ModuleSpec(name, self, origin=ours.origin, is_package=is_package)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        module = importlib.import_module(_our_name(spec.name))
        if hasattr(module, "__path__"):
            _give_submodules(module, spec.name)
        # The machinery is about to overwrite it.
        spec.loader_state = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        if module.__spec__ is not None:
            module.__spec__ = module.__spec__.loader_state

    def get_code(self, fullname: str) -> CodeType | None:
        """Return the code of a module, for ``python -m ocs.agents.….agent``."""
        loader = _loader(fullname)
        if loader is None:
            return None
        return loader.get_code(_our_name(fullname))

    def get_source(self, fullname: str) -> str | None:
        loader = _loader(fullname)
        if loader is None:
            return None
        return loader.get_source(_our_name(fullname))


def _find_ours(name: str) -> ModuleSpec | None:
    try:
        return find_spec(_our_name(name))
    except ModuleNotFoundError:
        return None  # ocsd does not even have the package of it


def _loader(name: str) -> InspectLoader | None:
    loader = getattr(_find_ours(name), "loader", None)
    return loader if isinstance(loader, InspectLoader) else None


def _find_published(name: str) -> ModuleSpec | None:
    """Find a module of OCS in the published package."""
    folders: Sequence[str] | None = _other_folders()
    parts = name.split(".")
    for count in range(1, len(parts) + 1):
        spec = PathFinder.find_spec(".".join(parts[:count]), folders)
        if spec is None:
            return None
        folders = spec.submodule_search_locations or ()
    return spec


def _give_submodules(package: ModuleType, name: str) -> None:
    """Let ``from ocs.x import y`` find what ``import ocs.x.y`` finds.

    Python looks for `y` in the package's own name, which is ocsd's.
    """
    own: Callable[[str], Any] | None = vars(package).get("__getattr__")

    def submodule(attribute: str) -> Any:
        if own is not None:
            try:
                return own(attribute)
            except AttributeError:
                pass  # then it may be a module
        wanted = f"{name}.{attribute}"
        if not attribute.startswith("__"):
            try:
                return importlib.import_module(wanted)
            except ModuleNotFoundError as error:
                if error.name != wanted:
                    raise
        raise AttributeError(f"module {package.__name__!r} has no attribute {attribute!r}")

    vars(package)["__getattr__"] = submodule


def _other_folders() -> list[str]:
    """Return the search path for a published OCS: the present one without this folder."""
    folder = os.path.dirname(os.path.abspath(__file__))
    return [path for path in sys.path if os.path.abspath(path) != folder]


def _import_published() -> None:
    """Step aside, in a Python that does not have ocsd."""
    sys.path[:] = _other_folders()
    del sys.modules["ocs"]
    importlib.import_module("ocs")


if find_spec("ocsd") is None:
    _import_published()
else:
    sys.meta_path.insert(0, _Ours())
    # The import statement returns the module that an import leaves here.
    sys.modules["ocs"] = importlib.import_module("ocsd")
    _give_submodules(sys.modules["ocs"], "ocs")
