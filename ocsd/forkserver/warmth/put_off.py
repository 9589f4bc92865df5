"""Puts off what Twisted and autobahn import, but few agents use, until it is used.

TLS with its certificates, asyncio, cookies and logins with a challenge are a sixth of all that is
loaded before the first agent can be started. Meanwhile, something stands in the place of each name
that is imported from there; what is used of it for the first time loads all of a group, and puts
the names themselves in its place.
"""

import importlib
import inspect
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

from ocsd.system.late import LateModule

_TLS: Final[Mapping[str, Sequence[str]]] = {
    "OpenSSL": (),
    "OpenSSL.SSL": ("Connection", "Error"),
    "twisted.internet.ssl": (
        "Certificate",
        "CertificateOptions",
        "KeyPair",
        "PrivateCertificate",
        "optionsForClientTLS",
        "trustRootFromCertificates",
    ),
    "twisted.protocols._sni": (
        "SNIConnectionCreator",
        "TLSServerEndpoint",
        "autoReloadingDirectoryOfPEMs",
    ),
    "twisted.protocols.tls": ("TLSMemoryBIOFactory", "TLSMemoryBIOProtocol"),
}
_LOGINS: Final[Mapping[str, Sequence[str]]] = {
    "argon2": ("Type",),
    "argon2.low_level": ("hash_secret",),
    "cryptography.hazmat.backends": ("default_backend",),
    "cryptography.hazmat.primitives": (),
    "cryptography.hazmat.primitives.hashes": (),
    "cryptography.hazmat.primitives.kdf.pbkdf2": ("PBKDF2HMAC",),
    "passlib.utils": ("saslprep",),
}
GROUPS: Final[Sequence[Mapping[str, Sequence[str]]]] = (
    _TLS,
    _LOGINS,
    {"asyncio": ("AbstractEventLoop", "Future")},
    {"email.mime.text": ("MIMEText",), "fractions": ("Fraction",)},
    {"html": ("escape",)},
    {"http.cookiejar": ()},
    {"hyperlink": ()},
)
"""Modules that are put off, and the names that are imported from them."""

USERS: Final = (
    "autobahn.twisted.util",
    "autobahn.twisted.wamp",
    "autobahn.util",
    "autobahn.wamp.auth",
    "autobahn.wamp.serializer",
    "autobahn.websocket.protocol",
    "twisted.internet._newtls",
    "twisted.internet.defer",
    "twisted.internet.endpoints",
    "twisted.internet.posixbase",
    "twisted.python.compat",
)
"""The modules that import them."""


def _is_coroutine_function(function: object) -> bool:
    """Answer as `asyncio.iscoroutinefunction`, which alone knows the marks that it has made."""
    loaded = sys.modules.get("asyncio")
    if loaded is None:
        return inspect.iscoroutinefunction(function)
    return bool(loaded.iscoroutinefunction(function))


_KEPT: Final[Mapping[str, Mapping[str, Callable[..., Any]]]] = {
    "asyncio": {
        # Twisted asks it of what may be a generator as well, which it looks for by itself.
        "iscoroutine": inspect.iscoroutine,
        "iscoroutinefunction": _is_coroutine_function,
    },
}
"""Names of a module that has been put off which need nothing of it."""


class _PutOffName:
    """Stands in the place of a function or a class."""

    def __init__(self, module: str, name: str, settle: Callable[[], None]) -> None:
        self._module, self._name, self._settle = module, name, settle

    def itself(self) -> Any:
        """Return what this stands for."""
        return getattr(importlib.import_module(self._module), self._name)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self._settle()
        return self.itself()(*args, **kwargs)

    def __getattr__(self, name: str) -> Any:
        self._settle()
        return getattr(self.itself(), name)

    def __instancecheck__(self, instance: object) -> bool:
        # Nothing is an instance of a class that is not loaded.
        return self._module in sys.modules and isinstance(instance, self.itself())

    def __mro_entries__(self, _bases: tuple[Any, ...]) -> tuple[Any, ...]:
        self._settle()
        return (self.itself(),)


@contextmanager
def put_off() -> Iterator[None]:
    """Keep these modules away meanwhile, unless they are loaded already."""
    mine: dict[str, ModuleType] = {}
    for group in GROUPS:
        if not group.keys() & sys.modules.keys():
            mine |= _stand_ins(group)
    sys.modules.update(mine)
    try:
        yield
    finally:
        for name, module in mine.items():
            if sys.modules.get(name) is module:
                del sys.modules[name]


def _stand_ins(group: Mapping[str, Sequence[str]]) -> dict[str, ModuleType]:
    def settle() -> None:
        _put_in_place(group)

    modules: dict[str, ModuleType] = {}
    for module, names in group.items():
        stand_in = modules[module] = LateModule(module)
        vars(stand_in).update(_KEPT.get(module, {}))
        vars(stand_in).update({name: _PutOffName(module, name, settle) for name in names})
        parent, _, last = module.rpartition(".")
        if parent in modules:
            vars(modules[parent])[last] = stand_in
    return modules


def _put_in_place(group: Mapping[str, Sequence[str]]) -> None:
    """Load the modules of a group, and put what stood in their place where it belongs."""
    for module in group:
        importlib.import_module(module)
    for user in USERS:
        names = vars(sys.modules[user]) if user in sys.modules else {}
        for name, value in list(names.items()):
            if isinstance(value, LateModule) and value.__name__ in group:
                names[name] = sys.modules[value.__name__]
            elif type(value) is _PutOffName and value._module in group:  # noqa: SLF001 - our own class
                names[name] = value.itself()
