"""The commands `ocsd access agent-url` and `client-url`: ways in for published software."""

import json
import time
from urllib.parse import urlsplit

import click

from ocsd.access.records import CapabilityUrl, checked_name, checked_role
from ocsd.access.roles import Role
from ocsd.cli.access import place
from ocsd.cli.access.role import role_option
from ocsd.cli.arguments import options
from ocsd.errors import NoSuchInstanceError
from ocsd.system import whereabouts
from ocsd.text.nearest import did_you_mean

_ADDRESSES = {"wamp_realm": "test_realm", "address_root": "observatory"}
_AGENT, _CLIENT = "agent", "client"

_remove_option = click.option("--remove", is_flag=True, help="Let nobody in by that URL any more.")


@options.command(
    "ocsd access agent-url lakeshore1",
    "ocsd access agent-url lakeshore1 --remove",
    after="Agents that ocsd starts need no URL, also with `runtime: ocs`.",
)
@click.argument("name", metavar="INSTANCE")
@_remove_option
@options.json_option
@options.host_option
def agent_url(name: str, remove: bool, as_json: bool, host: str | None) -> None:
    """Make a URL for an agent on the published OCS that something else starts.

    It lets whoever has it speak for that agent, and for no other. The same command prints it
    again; `ocsd access rotate` makes another one.
    """
    _url(_AGENT, name, Role.AGENT.value, remove, as_json, host)


@options.command(
    "ocsd access client-url ocs-web --role operator",
    "ocsd access client-url dashboard --role viewer --json",
    "ocsd access client-url dashboard --role viewer --remove",
)
@click.argument("name", metavar="NAME")
@role_option
@_remove_option
@options.json_option
@options.host_option
def client_url(name: str, role: str, remove: bool, as_json: bool, host: str | None) -> None:
    """Make URLs for clients on the published OCS: OCSClient, ocs-web, scripts.

    They let whoever has them do what the role may.
    """
    _url(_CLIENT, name, checked_role(role).value, remove, as_json, host)


def _url(kind: str, name: str, role: str, remove: bool, as_json: bool, host: str | None) -> None:
    keys = place.of_hub(host)
    if remove:
        _remove(keys, name, as_json)
        return
    name = checked_name(name)
    is_new = name not in keys.store.urls()
    made = keys.store.keep_url(name, CapabilityUrl.new(kind, role, name, time.time()))
    if is_new:
        keys.record(f"{kind}-url", name, role=role)
    hub = {**_urls(keys.store.identity().hub, made), **_realm(keys)}
    environment = {
        "SSL_CERT_FILE": str(keys.paths.authority_certificate),
        "REQUESTS_CA_BUNDLE": str(keys.paths.authority_certificate),
    }
    if as_json:
        print(json.dumps({"hub": hub, "environment": environment}, indent=1))
        return
    print(_text(made, hub, environment))


def _remove(keys: place.Keys, name: str, as_json: bool) -> None:
    urls = keys.store.urls()
    if name not in urls:
        near = did_you_mean(name, urls)
        raise NoSuchInstanceError(
            f"there is no URL {name!r}; known: {', '.join(urls) or 'none'}{near}"
        )

    def change(listed: dict[str, CapabilityUrl]) -> None:
        listed.pop(name, None)

    keys.store.change_urls(change)
    keys.record("url-remove", name)
    if as_json:
        print(json.dumps({"removed": name}))
        return
    print(f"the URL of {name} lets nobody in any more")


def _urls(hub: str, url: CapabilityUrl) -> dict[str, str]:
    """Return the lines of the site file that hold a secret."""
    server = urlsplit(hub)
    if url.kind == _AGENT:
        return {"wamp_server": server._replace(path=f"/k-{url.secret}").geturl()}
    http = server._replace(scheme="https", path=f"/call-{url.secret}")
    ws = server._replace(path=f"/c-{url.secret}")
    return {"wamp_server": ws.geturl(), "wamp_http": http.geturl()}


def _realm(keys: place.Keys) -> dict[str, str]:
    """Return realm and address root, as the daemon has them."""
    found = whereabouts.read(keys.paths.state)
    known = found.addresses if found is not None else {}
    return {key: known.get(key, default) for key, default in _ADDRESSES.items()}


def _text(url: CapabilityUrl, hub: dict[str, str], environment: dict[str, str]) -> str:
    lines = "\n".join(f"  {key}: {value}" for key, value in hub.items())
    variables = "\n".join(f"  export {key}={value}" for key, value in environment.items())
    return (
        f"URL of {url.kind} {url.authid}, role {url.role}. Whoever knows it may use it: keep the "
        "file that holds it private\n(chmod 600). In the site file of that program:\n\n"
        f"hub:\n{lines}\n\nIn its environment; on another machine, a copy of that file:\n\n"
        f"{variables}\n\nThe published OCS does not bring what TLS needs:\n\n"
        "  pip install pyOpenSSL service-identity"
    )
