"""The ways to people: a command, mail, a webhook, ntfy. Runs in the process of an attempt only.

Secrets are read here, from their files or the environment, and are in no result.
"""

import contextlib
import http.client
import json
import os
import signal
import smtplib
import socket
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

SENDER_LIMIT_S: Final = 20.0
"""Time that each step of a delivery may take [s]."""
_LONGEST_SAID: Final = 300
_TRIES_AGAIN: Final = frozenset({408, 425, 429})
"""Refusals of HTTP (4xx) that are about the time, not about the message."""
_PRIORITIES: Final = {"critical": "5", "warning": "4", "info": "3"}
_COLOURS: Final = {"critical": "#d00000", "warning": "#e0a000", "info": "#2060a0"}


class _UndeliveredError(Exception):
    """An attempt has failed; the message says why, and `more` the rest of the result."""

    def __init__(self, reason: str, **more: Any) -> None:
        super().__init__(reason)
        self.more = more


def sent(job: Mapping[str, Any]) -> dict[str, Any]:
    """Make an attempt, and return its result (`ocsd.evaluator.attempts.AttemptResult`).

    Parameters
    ----------
    job : mapping
        ``receiver``: the keys of the receiver as the site file has them; ``content``: the
        message; ``key``: its key.
    """
    secrets: list[str] = []
    receiver = job["receiver"]
    ways: Mapping[str, Callable[..., None]] = {
        "command": _command,
        "mail": _mail,
        "webhook": _webhook,
        "ntfy": _ntfy,
        "ping": _ping,
    }
    (way,) = (name for name in ways if receiver.get(name) is not None)
    try:
        ways[way](receiver[way], {**job["content"], "key": job["key"]}, secrets)
    except _UndeliveredError as error:
        return {"reason": _without(str(error), secrets), **error.more}
    except (OSError, smtplib.SMTPException, http.client.HTTPException, ValueError) as error:
        return {"reason": _without(f"{type(error).__name__}: {error}", secrets)}
    return {}


def _command(words: list[str], content: Mapping[str, Any], _secrets: list[str]) -> None:
    """Run a command with the message as JSON on its standard input."""
    with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as printed:
        given.write(json.dumps(content).encode() + b"\n")
        given.seek(0)
        process = subprocess.Popen(
            words, stdin=given, stdout=printed, stderr=subprocess.STDOUT, start_new_session=True
        )
        try:
            code = process.wait(SENDER_LIMIT_S)
        except subprocess.TimeoutExpired:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise _UndeliveredError(
                f"the command took longer than {SENDER_LIMIT_S:.0f} s"
            ) from None
        if code:
            printed.seek(0)
            said = printed.read(10_000).decode("utf-8", "replace").strip()
            raise _UndeliveredError(f"the command ended with code {code}: {said[-_LONGEST_SAID:]}")


def _mail(keys: Mapping[str, Any], content: Mapping[str, Any], secrets: list[str]) -> None:
    sender = keys.get("from") or f"ocsd@{socket.getfqdn()}"
    message = _letter(keys, content, sender)
    # Of several addresses some may have it already, from an earlier attempt.
    to = content.get("left", keys["to"])
    parts = urlsplit(f"//{keys['server']}")
    host = parts.hostname or "localhost"
    port = parts.port or {"tls": 465, "starttls": 587}.get(keys["tls"], 25)
    password = _secret(keys, "password", secrets)
    server = _smtp(host, port, keys["tls"])
    try:
        if keys.get("user") and password is not None:
            server.login(keys["user"], password)
        left = server.send_message(message, sender, to)
    except smtplib.SMTPAuthenticationError as error:
        raise _UndeliveredError(
            f"{host} refuses user or password: {_said(error)}", refused=True
        ) from error
    except (smtplib.SMTPRecipientsRefused, smtplib.SMTPSenderRefused) as error:
        raise _UndeliveredError(f"{host} refuses the addresses: {error}", refused=True) from error
    finally:
        # Whatever the server says to it: the message was taken, or refused, before.
        with contextlib.suppress(smtplib.SMTPException, OSError):
            server.quit()
    if left:
        said = "; ".join(f"{each}: {code} {_text(text)}" for each, (code, text) in left.items())
        raise _UndeliveredError(f"{host} refuses {said}", refused=True, left=list(left))


def _letter(keys: Mapping[str, Any], content: Mapping[str, Any], sender: str) -> EmailMessage:
    """Return a message as mail."""
    message = EmailMessage()
    message["From"], message["To"] = sender, ", ".join(keys["to"])
    message["Subject"] = content["title"]
    message["Date"] = formatdate(content["at"])
    message["Message-ID"] = f"<{content['key']}@{sender.partition('@')[2]}>"
    if content.get("incident") is not None:
        # All messages of an incident are one thread.
        message["References"] = f"<{content['thread']}@{sender.partition('@')[2]}>"
    message["X-Ocsd-Key"] = content["key"]
    message.set_content(f"{content['message']}\n")
    return message


def _smtp(host: str, port: int, tls: str) -> smtplib.SMTP:
    context = ssl.create_default_context()
    if tls == "tls":
        return smtplib.SMTP_SSL(host, port, timeout=SENDER_LIMIT_S, context=context)
    server = smtplib.SMTP(host, port, timeout=SENDER_LIMIT_S)
    if tls == "starttls":
        server.starttls(context=context)
    return server


def _said(error: smtplib.SMTPResponseException) -> str:
    return f"{error.smtp_code} {_text(error.smtp_error)}"


def _text(said: bytes | str) -> str:
    if isinstance(said, bytes):
        return said.decode("utf-8", "replace")
    return said


def _webhook(keys: Mapping[str, Any], content: Mapping[str, Any], secrets: list[str]) -> None:
    value: Mapping[str, Any] = content
    if keys["form"] != "json":
        value = {
            "text": content["title"],
            "attachments": [
                {
                    "color": _COLOURS[content["severity"]],
                    "fallback": content["title"],
                    "text": content["message"],
                    "title": content["alarm"],
                    "title_link": content["link"],
                }
            ],
        }
    headers = {"Content-Type": "application/json", "Idempotency-Key": content["key"]}
    _post(keys, headers, json.dumps(value).encode(), secrets)


def _ntfy(keys: Mapping[str, Any], content: Mapping[str, Any], secrets: list[str]) -> None:
    headers = {
        "Title": content["title"].encode("ascii", "replace").decode(),
        "Priority": _PRIORITIES[content["severity"]],
        "Idempotency-Key": content["key"],
    }
    if content["kind"] in {"cleared", "withdrawn", "test"}:
        headers["Priority"] = "2"
    if content["link"]:
        headers["Click"] = content["link"]
    _post(keys, headers, f"{content['title']}\n{content['message']}".encode(), secrets)


def _ping(keys: Mapping[str, Any], content: Mapping[str, Any], secrets: list[str]) -> None:
    """Send a heartbeat: a request without content."""
    headers = {"User-Agent": "ocsd", "X-Ocsd-Host": str(content["host"])}
    _post(keys, headers, b"", secrets)


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows no redirection: the token must not go to another place."""

    def redirect_request(self, *_: Any) -> None:
        return None


def _post(
    keys: Mapping[str, Any], headers: dict[str, str], body: bytes, secrets: list[str]
) -> None:
    url = keys.get("url") or _secret(keys, "url", secrets) or ""
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https"}:
        raise _UndeliveredError(
            "the url is none: it has to begin with https:// or http://", refused=True
        )
    if parts.username is not None:
        raise _UndeliveredError(
            "the url has a user, which cannot be sent; use a token (token-file)", refused=True
        )
    token = _secret(keys, "token", secrets)
    if token is not None:
        headers["Authorization"] = f"Bearer {token}"
    request = urllib.request.Request(url, data=body, headers=headers, method="POST")
    opener = urllib.request.build_opener(_NoRedirect)
    host = parts.netloc
    try:
        # The status says that it was taken: what comes after it is of no interest.
        opener.open(request, timeout=SENDER_LIMIT_S).close()
    except urllib.error.HTTPError as error:
        raise _refusal(host, error, secrets) from error
    except urllib.error.URLError as error:
        raise _UndeliveredError(f"{host}: {error.reason}") from error
    except (OSError, http.client.BadStatusLine) as error:
        # The request was sent.
        reason = f"{host} does not answer: {type(error).__name__}: {error}"
        raise _UndeliveredError(reason, perhaps=True) from error


def _refusal(host: str, error: urllib.error.HTTPError, secrets: list[str]) -> _UndeliveredError:
    said = ""
    with contextlib.suppress(OSError, ValueError, http.client.HTTPException):
        # Half a secret would not be found any more.
        said = _without(error.read(10_000).decode("utf-8", "replace"), secrets)[:_LONGEST_SAID]
    text = f"{host} answers {error.code} {error.reason}"
    if said:
        text += f": {said}"
    refused = 300 <= error.code < 500 and error.code not in _TRIES_AGAIN
    wait_s = 0.0
    with contextlib.suppress(ValueError):
        wait_s = max(0.0, float(error.headers.get("Retry-After") or 0))
    return _UndeliveredError(text, refused=refused, wait_s=wait_s)


def _secret(keys: Mapping[str, Any], name: str, secrets: list[str]) -> str | None:
    """Return a secret from its file or variable; None if the receiver has none."""
    path, variable = keys.get(f"{name}-file"), keys.get(f"{name}-env")
    if path is not None:
        try:
            value = Path(path).read_text().strip()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "it is no text"
            raise _UndeliveredError(
                f"{name}-file {path} cannot be read: {reason}", refused=True
            ) from None
    elif variable is not None:
        value = os.environ.get(variable, "").strip()
    else:
        return None
    wrong = _fault_of(name, value)
    if wrong:
        # Errors of others about it would repeat it, in another form.
        raise _UndeliveredError(f"the {name} in {path or variable} is {wrong}", refused=True)
    secrets.append(value)
    if name == "url":
        # Parts of it are secrets as well.
        secrets += filter(None, (urlsplit(value).path.lstrip("/"), urlsplit(value).query))
    return value


def _fault_of(name: str, value: str) -> str:
    """Return what is wrong with the form of a secret; empty if nothing is."""
    if not value:
        return "empty"
    if not value.isprintable() or (name != "password" and " " in value):
        return "not one word on one line"
    return ""


def _without(text: str, secrets: list[str]) -> str:
    """Return a text without secrets, in one line."""
    for secret in sorted(secrets, key=len, reverse=True):
        text = text.replace(secret, "(secret)")
    return " ".join(text.split())
