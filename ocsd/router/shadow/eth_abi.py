"""Keeps what a router of ours does not need out of its processes.

crossbar 26.10 imports web3 and what stands behind it before anything else, and numpy
for the cookies in its database: two thirds of the CPU time of its start, and 55 MB in
each of its two processes. A router of ours uses none of it, nor what crossbar imports for
web services of its own, its command line and its configuration's checks (werkzeug, treq,
watchdog, pygments, pyqrcode, jinja2), nor MQTT, HTTP/2 or words that stand for keys (ecdsa): a
third of what is left. crossbar's first such
import is that of eth_abi, so this module, found in its place, lets all of them become
empty modules.

Some names in them are really used when crossbar starts: it makes a pair of keys for
the node (`KeyAPI`), reads it again (`SecurityModuleMemory`), and gets its templates of pages
ready (`LateTemplates`), of which only a browser that has strayed here sees one. Its worker draws
a picture of the key that crossbar's releases are signed with (`NoPicture`). All are here, with
the Ed25519 key as crossbar has it and without a key for Ethereum.

It also lets `ocsd.router.amendments` change the modules of crossbar that it names, when they
are imported.
"""

import importlib.abc
import importlib.machinery
import sys
import types
from collections.abc import Callable
from typing import Any

from ocsd.router.amendments import amendments

LEFT_OUT = frozenset(
    {
        "cfxdb",
        "crossbar.bridge.mqtt.wamp",
        "crossbar.edge.worker.xbrmm",
        "docker",
        "ecdsa",
        "eth_abi",
        "eth_account",
        "eth_keys",
        "eth_typing",
        "eth_utils",
        "h2",
        "jinja2",
        "multihash",
        "numpy",
        "py_eth_sig_utils",
        "pygments",
        "pyqrcode",
        "qrcode",
        "treq",
        "txtorcon",
        "watchdog",
        "web3",
        "werkzeug",
        "xbr",
        "zlmdb",
    }
)
NO_ADDRESS = "0x" + 40 * "0"
CHANGED = amendments()


class _AbsentType(type):
    """Lets every attribute of an absent class be an absent class, too."""

    def __getattr__(cls, name: str) -> "_AbsentType":
        if name.startswith("__"):
            raise AttributeError(name)
        return cls


class Absent(metaclass=_AbsentType):
    """In place of each name that an empty module is asked for."""

    def __init__(self, *_args: object, **_kwargs: object) -> None:
        raise NotImplementedError("ocsd's router runs without blockchains: ocsd/router/shadow")


class EmptyModule(types.ModuleType):
    """A package in which everything is found, and is absent."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.__path__ = []

    def __getattr__(self, name: str) -> _AbsentType:
        if name.startswith("__"):
            raise AttributeError(name)
        return Absent


class EmptyModules(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Finds the packages of `LEFT_OUT` and what is in them as empty modules."""

    left_out = LEFT_OUT

    def find_spec(self, fullname: str, *_: Any) -> importlib.machinery.ModuleSpec | None:
        """Return an empty package's specification, or None for all other modules."""
        if fullname in self.left_out or fullname.partition(".")[0] in self.left_out:
            return importlib.machinery.ModuleSpec(fullname, self, is_package=True)
        return None

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType:
        """Return the empty module."""
        module = EmptyModule(spec.name)
        vars(module).update(_USED.get(spec.name, {}))
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Leave the module as it is."""


class KeyAPI:
    """In place of eth_keys: a key whose address is that of nobody."""

    def __init__(self, _backend: object) -> None:
        self.public_key = self

    def PrivateKey(self, _seed: bytes) -> "KeyAPI":
        """Return this key."""
        return self

    def to_checksum_address(self) -> str:
        """Return the address that no key has."""
        return NO_ADDRESS


class NoEthereumKey:
    """The first key of the node, which crossbar names in its status."""

    def address(self, binary: bool = True) -> str | bytes:
        """Return the address that no key has."""
        return bytes(20) if binary else NO_ADDRESS


class Folders(list[str]):
    """In place of jinja2's loader of files."""


class LateTemplates:
    """In place of jinja2's environment, which is loaded when a page is made."""

    def __init__(self, loader: Folders, **settings: Any) -> None:
        self._loader = loader
        self._settings = settings

    def get_template(self, name: str) -> "LateTemplate":
        """Return a template."""
        return LateTemplate(self._loader, self._settings, name)


class LateTemplate:
    """In place of a template of jinja2."""

    def __init__(self, folders: Folders, settings: dict[str, Any], name: str) -> None:
        self._folders = folders
        self._settings = settings
        self._name = name

    def render(self, **values: Any) -> str:
        """Return the page, as jinja2 makes it."""
        if isinstance(sys.modules["jinja2"], EmptyModule):
            for each in [each for each in sys.modules if each.partition(".")[0] == "jinja2"]:
                del sys.modules[each]
            _FINDER.left_out -= {"jinja2"}
        jinja2 = importlib.import_module("jinja2")
        sandbox = importlib.import_module("jinja2.sandbox")
        loader = jinja2.FileSystemLoader(list(self._folders))
        environment = sandbox.SandboxedEnvironment(loader=loader, **self._settings)
        page: str = environment.get_template(self._name).render(**values)
        return page


class NoPicture:
    """In place of a QR code, which takes 0.08 s of a router's start and is never shown."""

    def __init__(self, **_settings: object) -> None:
        pass

    def add_data(self, _data: str) -> None:
        """Take what to show."""

    def print_ascii(self, **_settings: object) -> None:
        """Print nothing."""


class SecurityModuleMemory(list[Any]):
    """In place of xbr's: the keys of the node, always open."""

    is_open = True
    is_locked = False

    @classmethod
    def from_keyfile(cls, keyfile: str) -> "SecurityModuleMemory":
        """Read the file that crossbar has written."""
        # Not before: autobahn is what crossbar loads next, in an order of its own.
        from autobahn.util import parse_keyfile
        from autobahn.wamp.cryptosign import CryptosignKey

        seed = parse_keyfile(keyfile)["private-key-ed25519"]
        return cls([NoEthereumKey(), CryptosignKey.from_bytes(bytes.fromhex(seed))])


class AmendedModules(importlib.abc.MetaPathFinder):
    """Finds the modules of crossbar that ocsd changes."""

    def find_spec(
        self, fullname: str, path: Any, target: Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        """Return the specification of such a module, or None for all others."""
        if fullname not in CHANGED:
            return None
        spec = importlib.machinery.PathFinder.find_spec(fullname, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = _AmendingLoader(spec.loader, CHANGED[fullname])
        return spec


class _AmendingLoader(importlib.abc.Loader):
    """Loads a module, and changes it."""

    def __init__(self, loader: Any, amend: Callable[[types.ModuleType], None]) -> None:
        self._loader = loader
        self._amend = amend

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> types.ModuleType | None:
        """Leave that to the module's own loader."""
        module: types.ModuleType | None = self._loader.create_module(spec)
        return module

    def exec_module(self, module: types.ModuleType) -> None:
        """Execute the module as it is, then change it."""
        self._loader.exec_module(module)
        self._amend(module)


_USED: dict[str, dict[str, object]] = {
    "eth_keys": {"KeyAPI": KeyAPI},
    "jinja2": {"FileSystemLoader": Folders},
    "jinja2.sandbox": {"SandboxedEnvironment": LateTemplates},
    "qrcode": {"QRCode": NoPicture},
    "xbr._secmod": {"SecurityModuleMemory": SecurityModuleMemory},
}

_FINDER = EmptyModules()
sys.meta_path[:0] = [_FINDER, AmendedModules()]
del sys.modules[__name__]
sys.modules[__name__] = importlib.import_module(__name__)
