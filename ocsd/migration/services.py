"""Judges the services of a docker-compose.yaml of an OCS site."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from ocsd.migration.finding import MoveFinding, Paper
from ocsd.site import compose
from ocsd.site.document import read
from ocsd.site.model import IN_CONTAINERS, Host, Site

_RESTARTS: Final = frozenset({"always", "unless-stopped", "on-failure"})


@dataclass(frozen=True, slots=True)
class ComposeService:
    """A service, as far as a move depends on it."""

    name: str
    line: int
    image: str
    instance_id: str | None
    restart: str

    @property
    def is_router(self) -> bool:
        """Whether it runs crossbar."""
        return "crossbar" in self.image or self.name in {"crossbar", "ocs-crossbar"}


def services_of(text: str) -> tuple[list[ComposeService], str]:
    """Return the services of a compose file, and what is wrong with it; empty if nothing is."""
    document = read(text, {})
    match document.value:
        case {"services": dict() as services}:
            pass
        case _:
            problem = next(iter(document.problems), None)
            return [], problem.text if problem else "it has no services"
    found = []
    for name, content in services.items():
        given: dict[str, Any] = content if isinstance(content, dict) else {}
        found.append(
            ComposeService(
                name=str(name),
                line=document.key_line(("services", name)),
                image=str(given.get("image", "")),
                instance_id=_instance_id(given),
                restart=str(given.get("restart", "no")),
            )
        )
    return found, ""


def findings(text: str, file: str, site: Site, host: Host | None) -> Iterator[MoveFinding]:
    """Yield what becomes of each service, on the host that is this machine."""
    paper = Paper(file)
    services, problem = services_of(text)
    if problem:
        yield paper.to_do(None, "compose file", problem, "correct it, and run this again")
    if host is None:
        return
    prefix = compose.options(host, {}).prefix
    managed = {f"{prefix}{each.instance_id}" for each in host.instances if _is_managed(each.manage)}
    listed = {each.instance_id for each in host.instances}
    for each in services:
        if each.name in managed:
            yield from _managed(paper, each)
        elif each.is_router:
            yield _router(paper, each, host)
        elif each.instance_id is not None:
            yield _agent(paper, each, prefix, is_listed=each.instance_id in listed)
        else:
            text = "it is no agent: docker compose runs it as before, and ocsd leaves it alone"
            yield paper.taken(each.line, f"service {each.name}", text)


def _is_managed(manage: object) -> bool:
    return manage in IN_CONTAINERS


def _managed(paper: Paper, service: ComposeService) -> Iterator[MoveFinding]:
    thing = f"service {service.name}"
    yield paper.taken(service.line, thing, "ocsd brings it up, watches it, and takes it down")
    if service.restart in _RESTARTS:
        yield paper.to_do(
            service.line,
            thing,
            f"restart: {service.restart} has Docker start it again, so ocsd does not",
            "take restart out, and ocsd does, with delays and a reason on record",
        )


def _router(paper: Paper, service: ComposeService, host: Host) -> MoveFinding:
    thing = f"service {service.name}"
    if host.crossbar is None:
        return paper.taken(service.line, thing, "it stays the router, and ocsd joins it")
    return paper.to_do(
        service.line,
        thing,
        "it is a router at the hub's address, and this host's entry has crossbar, so ocsd runs one "
        "too; it takes the one that listens already, and does not watch it",
        "stop this service before `ocsd start`, or keep it and write crossbar: null",
    )


def _agent(paper: Paper, service: ComposeService, prefix: str, *, is_listed: bool) -> MoveFinding:
    thing = f"service {service.name} (instance {service.instance_id})"
    wanted = f"{prefix}{service.instance_id}"
    step = f"to have ocsd manage it, write manage: docker/up at entry {service.instance_id}"
    if not is_listed:
        step = "to have ocsd manage it, add its entry to this host, with manage: docker/up"
    if service.name != wanted:
        step += f", and name the service {wanted}"
    text = "docker compose runs it as before; ocsd sees its data, and does not watch it"
    return paper.to_do(service.line, thing, text, step)


def _instance_id(service: dict[str, Any]) -> str | None:
    match service.get("environment"):
        case {"INSTANCE_ID": str() as name}:
            return name
        case list() as pairs:
            for pair in pairs:
                key, _, value = str(pair).partition("=")
                if key == "INSTANCE_ID":
                    return value
    command = service.get("command") or ""
    words = command if isinstance(command, list) else [command]
    found = re.search(r"--instance-id[= ](\S+)", " ".join(map(str, words)))
    return found[1] if found else None
