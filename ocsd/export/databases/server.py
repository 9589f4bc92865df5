"""Databases that take line protocol over HTTP."""

import base64
import gzip
import http.client
import json
import os
import re
import ssl
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlencode, urlsplit

from ocsd.errors import AgentArgumentsError
from ocsd.export.databases.delivery import LinesRefusedError
from ocsd.export.databases.destination import DatabaseAwayError

DATABASE_LIMIT_S: Final = 30.0
"""Time within which a database has to answer [s]."""

_LINES_ARE_WRONG: Final = frozenset({400, 413, 422})
_LONGEST_REASON: Final = 300
_GZIP_LEVEL: Final = 1


class Database(Protocol):
    """A database that takes lines."""

    name: str
    """Its address, for people."""
    in_words: str
    """The database and its address, for a sentence."""

    def prepare(self) -> None:
        """Find out whether it answers, and make what is to be written to, if need be."""

    def write(self, lines: str) -> None:
        """Write lines; it has all of them when this returns. Threads may call it together."""

    def close(self) -> None:
        """Close the connections."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The address of a database, and what it wants to see."""

    url: str
    """Such as ``http://influxdb:8086``; a path in front is kept."""
    write: str
    """Path and query of the place that takes lines."""
    holder: str
    """The part of it that is written to, in words: ``database ocs_feeds``."""
    authorization: str = field(default="", repr=False)
    """Value of the header; a secret."""
    is_verified: bool = True
    """Whether its certificate has to be good."""
    ca_file: str | None = None
    compresses: bool = False
    creates: str = ""
    """Path and query of the place that makes the database; empty if people do."""


class HttpDatabase:
    """Writes over connections that stay open, one for each thread that writes at the time.

    One that has ended is told, not renewed unseen: a database that was killed may have lost what
    it has not yet on its disk.
    """

    def __init__(self, endpoint: Endpoint, limit_s: float = DATABASE_LIMIT_S) -> None:
        self.name = _without_user(endpoint.url)
        self.in_words = f"{endpoint.holder} at {self.name}"
        self._endpoint = endpoint
        self._limit_s = limit_s
        self._base = urlsplit(endpoint.url)
        self._idle: list[http.client.HTTPConnection] = []

    def prepare(self) -> None:
        """Make the database if it is not there.

        Raises
        ------
        DatabaseAwayError
            If it does not answer, or refuses.
        """
        if not self._endpoint.creates:
            return
        status, text = self._post(self._endpoint.creates, b"", {})
        if status >= 300 or '"error"' in text:  # in one of the results of a query that succeeded
            raise DatabaseAwayError(self._why(status, text))

    def write(self, lines: str) -> None:
        """Write lines; the database has them when this returns.

        Raises
        ------
        DatabaseAwayError
            If it does not answer, or takes nothing at present.
        LinesRefusedError
            If it refuses some of the lines for what they are.
        """
        body = lines.encode()
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if self._endpoint.compresses:
            body = gzip.compress(body, _GZIP_LEVEL)
            headers["Content-Encoding"] = "gzip"
        status, text = self._post(self._endpoint.write, body, headers)
        if status in _LINES_ARE_WRONG:
            raise LinesRefusedError(_reason_in(text) or f"answer {status}")
        if status >= 300:
            raise DatabaseAwayError(self._why(status, text))

    def close(self) -> None:
        """Close the connections."""
        while self._idle:
            self._idle.pop().close()

    def _post(self, path: str, body: bytes, headers: Mapping[str, str]) -> tuple[int, str]:
        every = {"Authorization": self._endpoint.authorization}
        sent = {key: value for key, value in {**every, **headers}.items() if value}
        connection = self._taken()
        try:
            connection.request("POST", self._base.path.rstrip("/") + path, body, sent)
            answer = connection.getresponse()
            text = answer.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            connection.close()
            why = str(error) or type(error).__name__
            raise DatabaseAwayError(
                f"the database at {self.name} does not answer: {why}"
            ) from error
        self._idle.append(connection)
        return answer.status, text

    def _taken(self) -> http.client.HTTPConnection:
        """Return a connection that no other thread uses."""
        with suppress(IndexError):
            return self._idle.pop()
        return self._connect()

    def _connect(self) -> http.client.HTTPConnection:
        host, port = self._base.hostname or "localhost", self._base.port
        if self._base.scheme != "https":
            return http.client.HTTPConnection(host, port, timeout=self._limit_s)
        context = ssl.create_default_context(cafile=self._endpoint.ca_file)
        if not self._endpoint.is_verified:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
        return http.client.HTTPSConnection(host, port, timeout=self._limit_s, context=context)

    def _why(self, status: int, text: str) -> str:
        reason = _reason_in(text)
        advice = {
            401: "; correct its user and password, or its token",
            403: "; give this user or token the right to write there",
            404: "; create what is to be written to, or correct its name",
        }.get(status, "")
        return f"the database at {self.name} answers {status}: {reason}{advice}"


def is_database_name(name: str) -> bool:
    """Return whether InfluxDB 1 takes the name of a database (``ValidName`` in its `meta`)."""
    return name not in {"", ".", ".."} and name.isprintable() and not set(name) & set("/\\")


def influxdb_1(
    *,
    host: str,
    port: int,
    database: str,
    uses_tls: bool,
    verifies: bool,
    compresses: bool,
    environment: Mapping[str, str] = os.environ,
) -> Endpoint:
    """Return the endpoint of InfluxDB 1, and of all that speak like it.

    User and password come from the environment, from `INFLUXDB_USERNAME`, `INFLUXDB_PASSWORD`,
    or the files that `INFLUXDB_USERNAME_FILE` and `INFLUXDB_PASSWORD_FILE` name.

    Raises
    ------
    AgentArgumentsError
        If such a file cannot be read.
    """
    scheme = "https" if uses_tls else "http"
    user, password = (_secret(environment, f"INFLUXDB_{word}") for word in ("USERNAME", "PASSWORD"))
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    name = database.replace('"', r"\"")
    create = f'CREATE DATABASE "{name}"'
    return Endpoint(
        url=f"{scheme}://{host}:{port}",
        holder=f"database {database}",
        write=f"/write?{urlencode({'db': database, 'precision': 'ns'})}",
        authorization=f"Basic {pair}",
        is_verified=verifies,
        compresses=compresses,
        creates=f"/query?{urlencode({'q': create})}",
    )


def influxdb_2(*, compresses: bool, environment: Mapping[str, str] = os.environ) -> Endpoint:
    """Return the endpoint of InfluxDB 2 or 3, and of all that speak like it.

    It comes from the environment: `INFLUXDB_V2_URL`, `INFLUXDB_V2_ORG`, `INFLUXDB_V2_BUCKET`,
    `INFLUXDB_V2_TOKEN`, `INFLUXDB_V2_VERIFY_SSL` and `INFLUXDB_V2_SSL_CA_CERT`.

    Raises
    ------
    AgentArgumentsError
        If no bucket is named, or the address is none.
    """
    told = {key.removeprefix("INFLUXDB_V2_"): value for key, value in environment.items()}
    bucket = told.get("BUCKET")
    if not bucket:
        raise AgentArgumentsError(
            "INFLUXDB_V2_BUCKET is not set, so nobody knows where to write to; set it, "
            "INFLUXDB_V2_URL, INFLUXDB_V2_ORG and INFLUXDB_V2_TOKEN in the agent's environment"
        )
    url = told.get("URL", "http://localhost:8086")
    if not _is_url(url):
        raise AgentArgumentsError(
            f"INFLUXDB_V2_URL is {_without_user(url)!r}; write it as http://HOST:8086, with a port "
            "from 1 to 65535"
        )
    query = {"org": told.get("ORG", "my-org"), "bucket": bucket, "precision": "ns"}
    return Endpoint(
        url=url,
        holder=f"bucket {bucket}",
        write=f"/api/v2/write?{urlencode(query)}",
        authorization=f"Token {told.get('TOKEN', 'my-token')}",
        is_verified=told.get("VERIFY_SSL", "true").lower() not in {"false", "0", "no"},
        ca_file=told.get("SSL_CA_CERT") or None,
        compresses=compresses,
    )


def _secret(environment: Mapping[str, str], name: str) -> str:
    if name in environment:
        return environment[name]
    path = environment.get(f"{name}_FILE")
    if path is None:
        return "root"  # as OCS
    try:
        return Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise AgentArgumentsError(
            f"cannot read {path}, which {name}_FILE names: {error}; correct the variable or the "
            "rights of the file"
        ) from error


def _is_url(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and parts.port != 0
    except ValueError:  # of its port, or of brackets
        return False


def _without_user(url: str) -> str:
    """Return a URL without what may be a secret in it."""
    return re.sub(r"(?<=://)[^/?#]*@", "", url)


def _reason_in(text: str) -> str:
    """Return the reason in an answer: of JSON, or its text."""
    with suppress(ValueError, AttributeError):
        found = json.loads(text)
        for each in (*found.get("results", ()), found):
            text = str(each.get("error") or each.get("message") or text)
    return " ".join(text.split())[:_LONGEST_REASON]
