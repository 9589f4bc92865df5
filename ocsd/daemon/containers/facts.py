"""Containers as OCS's HostManager tells its clients of them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from twisted.internet.defer import Deferred

from ocsd.containers.services import DOCKER_CLASS, Service, find, parse_status
from ocsd.daemon.containers.supervision import Containers
from ocsd.daemon.containers.upkeep import ComposeUpkeep, orphans
from ocsd.site.model import Instance
from ocsd.supervisor.events import State
from ocsd.supervisor.lifecycle import Lifecycle

_ON_ITS_WAY = {State.STARTING, State.STOPPING}


@dataclass(eq=False)
class DockerFacts:
    """Answers OCS's clients about containers (`ocsd.daemon.ocs.host_manager.Dockers`)."""

    containers: Containers

    def observe(self, observer: Callable[[], None]) -> Callable[[], None]:
        """Call `observer` after each look at the containers; return what ends that."""
        self.containers.observers.append(observer)
        return lambda: self.containers.observers.remove(observer)

    def of(self, instance: Instance, life: Lifecycle) -> dict[str, Any]:
        """Return the keys of an instance's child state that differ from those of a process."""
        if not self.containers.is_ours(instance):
            return {}
        name = self.containers.service(instance.instance_id)
        service = find(name, self.containers.files.all())
        is_there = isinstance(service, Service)
        told: dict[str, Any] = {
            "operable": is_there,
            "restart_required": is_there and self._has_other_image(service),
        }
        if instance.agent_class == DOCKER_CLASS:
            if life.state not in _ON_ITS_WAY:
                told["target_state"] = "passive"
            return told
        told["agent_class"] = f"{instance.agent_class}[d{'?' * (not is_there)}]"
        if not is_there:
            told["next_action"] = "?"
        return told

    def session(self) -> dict[str, Any]:
        """Return what the session data of `manager` says of all containers."""
        looks, files = self.containers.looks, self.containers.files
        return {
            "orphans": orphans(looks.orphans),
            "new_tags": self._new_tags(),
            "config_parse_status": parse_status(files.all(), files.read_at),
        }

    def pull(self) -> "Deferred[list[str]]":
        """Pull the images of all compose files; fires with the failures in words."""
        return Deferred.fromCoroutine(self._upkeep().pull())

    def remove_orphans(self) -> "Deferred[list[str]]":
        """Remove all orphans; fires with the failures in words."""
        return Deferred.fromCoroutine(self._upkeep().remove_orphans())

    def disown(self) -> None:
        """Let all containers run on when everything else of the host ends."""
        fleet = self.containers.fleet
        fleet.passive |= {each.instance_id for each, _ in fleet if self.containers.is_ours(each)}

    def _upkeep(self) -> ComposeUpkeep:
        return ComposeUpkeep(self.containers.files, self.containers.looks)

    def _has_other_image(self, service: object) -> bool:
        """Return whether the tag of a service's image means another image than its container's."""
        looks = self.containers.looks
        if not isinstance(service, Service) or service.name not in looks.containers:
            return False
        wanted, used = looks.images.get(service.image, ""), looks.image_of.get(service.name, "")
        return bool(used) and wanted != used and looks.containers[service.name].is_running

    def _new_tags(self) -> dict[str, str]:
        missing = {image for image, found in self.containers.looks.images.items() if not found}
        tags: dict[str, str] = {}
        for instance, _ in self.containers.fleet:
            if self.containers.is_ours(instance):
                name = self.containers.service(instance.instance_id)
                service = find(name, self.containers.files.all())
                if isinstance(service, Service) and service.image in missing:
                    tags[instance.instance_id] = service.image
        return tags
