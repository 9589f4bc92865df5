"""The keys of `alarms:`: rules, the receivers that they tell, and heartbeats."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from ocsd.alarms.board import AlarmEntry
from ocsd.alarms.conditions import AlarmRule
from ocsd.alarms.incident import Severity
from ocsd.alarms.parsing import parse, seconds
from ocsd.site.supervision import KeysModel, command_words, key
from ocsd.system.address import checked_url, is_loopback

SHORTEST_REMINDER_S = 60.0
SHORTEST_HEARTBEAT_S = 10.0

_SECRET_PATHS = ("/hooks/", "/services/")
"""Parts of the addresses of Slack's and Mattermost's webhooks, which are secrets."""


def _name(value: str) -> str:
    if re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}", value):
        return value
    raise ValueError(
        f"name {value!r} cannot be part of a command and of a file name; use 1 to 64 letters, "
        "digits, '_', '-' and '.', e.g. stage-warm"
    )


def _time(value: object) -> object:
    if isinstance(value, str):
        return seconds(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"{value!r} is no time; write e.g. 30s, 5min, 2h or 1d")
    return value


def _condition(value: str) -> str:
    parse(value)
    return value


def _one_or_many(value: object) -> object:
    if isinstance(value, str):
        return (value,)
    return value


def _some(value: tuple[str, ...]) -> tuple[str, ...]:
    if not value:
        raise ValueError("the list is empty; write at least one")
    return value


def _url(value: str) -> str:
    checked_url(value, "url", "https://alarms.example.org/", ("http", "https"))
    parts = urlsplit(value)
    if parts.username is not None or any(each in parts.path for each in _SECRET_PATHS):
        # The address is not repeated here: this message stands in logs.
        raise ValueError(
            f"the url at {parts.hostname} is a secret, and everybody reads the site file; write "
            "it into a file that only the daemon's user can read, and name that: url-file: FILE"
        )
    return value


def _server(value: str) -> str:
    parts = urlsplit(f"//{value}")
    try:
        port = parts.port
    except ValueError:
        port = 0
    if not parts.hostname or port == 0 or parts.username is not None or parts.path:
        raise ValueError(f"server {value!r} is not HOST:PORT; write e.g. mail.example.org:587")
    return value


def _address(value: str) -> str:
    if re.fullmatch(r"[^\s@<>]+@[^\s@<>]+", value):
        return value
    raise ValueError(f"{value!r} is no address of mail; write e.g. night@example.org")


def _page(value: str) -> str:
    checked_url(value, "page", "https://control.example.org/ocsd", ("http", "https"))
    return value.rstrip("/")


AlarmName = Annotated[str, AfterValidator(_name)]
Names = Annotated[tuple[str, ...], BeforeValidator(_one_or_many)]
Duration = Annotated[float, BeforeValidator(_time), Field(ge=0, allow_inf_nan=False)]
Url = Annotated[str, AfterValidator(_url)]
Addresses = Annotated[
    tuple[Annotated[str, AfterValidator(_address)], ...],
    BeforeValidator(_one_or_many),
    AfterValidator(_some),
]
Command = Annotated[tuple[str, ...], BeforeValidator(command_words), AfterValidator(_some)]


class AlarmRuleKeys(KeysModel):
    """An alarm: when it is raised, and whom it tells."""

    when: Annotated[str, AfterValidator(_condition)]
    severity: Literal["info", "warning", "critical"] = "warning"
    text: str = ""
    """The words for people; empty: the condition."""
    tell: Names = ()
    """The names of receivers."""
    remind: Duration = 0.0
    """Time after which an alarm that nobody acknowledged is told again [s]; 0: never."""

    @property
    def rule(self) -> AlarmRule:
        """The condition, and for how long it has to hold."""
        return parse(self.when)

    @model_validator(mode="after")
    def _reminds_now_and_then(self) -> Self:
        if 0 < self.remind < SHORTEST_REMINDER_S:
            raise ValueError(
                f"remind is {self.remind:g} s; write at least {SHORTEST_REMINDER_S:g}s, or 0"
            )
        return self


class AddressKeys(KeysModel):
    """An address on the network, and its secrets, which stand in files or in the environment."""

    url: Url | None = None
    url_file: str | None = key("url-file", default=None)
    url_env: str | None = key("url-env", default=None)
    token_file: str | None = key("token-file", default=None)
    token_env: str | None = key("token-env", default=None)

    @model_validator(mode="after")
    def _address_is_there(self) -> Self:
        _exactly_one(self, "url", "url-file", "url-env")
        _at_most_one(self, "token-file", "token-env")
        return self


class WebhookKeys(AddressKeys):
    """A webhook."""

    form: Literal["slack", "mattermost", "json"] = "slack"
    """The form of its messages; Mattermost takes Slack's."""


class NtfyKeys(AddressKeys):
    """A topic of ntfy; its address ends with the name of the topic."""


class MailKeys(KeysModel):
    """Mail by SMTP."""

    to: Addresses
    sender: Annotated[str, AfterValidator(_address)] | None = key("from", default=None)
    """None: ocsd at this machine."""
    server: Annotated[str, AfterValidator(_server)] = "localhost:25"
    tls: Literal["none", "starttls", "tls"] = "none"
    user: str | None = None
    password_file: str | None = key("password-file", default=None)
    password_env: str | None = key("password-env", default=None)

    @model_validator(mode="after")
    def _password_is_safe(self) -> Self:
        _at_most_one(self, "password-file", "password-env")
        has_password = self.password_file is not None or self.password_env is not None
        if has_password != (self.user is not None):
            raise ValueError("mail has one of user and password; write user and password-file")
        host = urlsplit(f"//{self.server}").hostname or ""
        if has_password and self.tls == "none" and not is_loopback(host):
            raise ValueError(
                f"mail would send the password to {host} in clear; write tls: starttls (port "
                "587), or tls: tls (port 465)"
            )
        return self


class ReceiverKeys(KeysModel):
    """The way to people: one of its keys."""

    command: Command | None = None
    mail: MailKeys | None = None
    webhook: WebhookKeys | None = None
    ntfy: NtfyKeys | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        _exactly_one(self, "command", "mail", "webhook", "ntfy")
        return self


class HeartbeatKeys(KeysModel):
    """A sign of life at a steady rate, for others that tell people when it stays away."""

    command: Command | None = None
    url: Url | None = None
    url_file: str | None = key("url-file", default=None)
    url_env: str | None = key("url-env", default=None)
    every: Duration = 60.0
    """Period [s]."""

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        _exactly_one(self, "command", "url", "url-file", "url-env")
        if self.every < SHORTEST_HEARTBEAT_S:
            raise ValueError(f"every is {self.every:g} s; write at least {SHORTEST_HEARTBEAT_S:g}s")
        return self


class AlarmsKeys(KeysModel):
    """The alarms of a host."""

    rules: dict[AlarmName, AlarmRuleKeys] = Field(default={})
    receivers: dict[AlarmName, ReceiverKeys] = Field(default={})
    heartbeats: dict[AlarmName, HeartbeatKeys] = Field(default={})
    page: Annotated[str, AfterValidator(_page)] = ""
    """The address at which people open the page, for links to plots; empty: as it is here."""

    def entries(self) -> list[AlarmEntry]:
        """Return the alarms as rules, in the order of the file."""
        return [
            AlarmEntry(
                name=name,
                rule=each.rule,
                severity=Severity[each.severity.upper()],
                text=each.text,
                tell=each.tell,
                remind_s=each.remind,
                written=each.when,
            )
            for name, each in self.rules.items()
        ]


def _given(model: KeysModel, names: tuple[str, ...]) -> list[str]:
    data: Mapping[str, Any] = model.model_dump(by_alias=True, include=_fields(names))
    return [name for name in names if data.get(name) is not None]


def _fields(names: tuple[str, ...]) -> set[str]:
    return {name.replace("-", "_") for name in names}


def _exactly_one(model: KeysModel, *names: str) -> None:
    _at_most_one(model, *names)
    if not _given(model, names):
        raise ValueError(f"there is none of {', '.join(names)}; write one of them")


def _at_most_one(model: KeysModel, *names: str) -> None:
    given = _given(model, names)
    if len(given) > 1:
        raise ValueError(f"there are {' and '.join(given)}; leave one of them")
