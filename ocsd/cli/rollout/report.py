"""The words and the JSON of `ocsd site plan`, `apply` and `push`."""

import shlex
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

from ocsd.cli.rollout.steps import StepEnd
from ocsd.cli.screen import change_text
from ocsd.errors import ConfigurationError, UnreachableError
from ocsd.rollout.course import Course, Stage
from ocsd.rollout.standing import MOVING, Sight, Standing, short
from ocsd.text.plural import plural

_INDENT: Final = "    "


class NewFile(NamedTuple):
    """The site file that is to be rolled out."""

    path: str
    text: str
    digest: str


def plan_lines(
    sights: Sequence[Sight], new: NewFile, course: Course, strangers: Mapping[str, str]
) -> Iterator[str]:
    """Yield the lines of a plan; `strangers` are hosts that run and are not in the file."""
    yield f"file {short(new.digest)}  {new.path}"
    width = max((len(sight.host) for sight in sights), default=0)
    for sight in sights:
        yield f"{sight.host:<{width}}  {_summary(sight, new.digest)}"
        yield from (f"{_INDENT}{line}" for line in _details(sight))
    for host, why in strangers.items():
        yield f"{host:<{width}}  not in the file, so it is left alone: {why}"
    if any(course.waves):
        yield f"order: {' | '.join(' '.join(wave) for wave in course.waves)}"


def _summary(sight: Sight, digest: str) -> str:
    standing = sight.standing(digest)
    if standing is Standing.AWAY:
        return f"left out: {sight.away}"
    version = f"ocsd {sight.version}"
    if sight.upgrades:
        version += f" -> {sight.installed}"
    runs = f"{version}, file {sight.file_words(digest)}"
    if standing is Standing.REFUSES:
        return f"{runs}; refuses the new file: {sight.refusal}"
    if standing is Standing.UP_TO_DATE:
        return f"{runs}; nothing to do"
    return f"{runs}; {effect_words(sight.moves)}"


def effect_words(effects: Mapping[str, str]) -> str:
    """Say how many instances start, restart and end, e.g. ``1 instance starts, 2 restart``."""
    found: list[str] = []
    for effect in MOVING:
        number = list(effects.values()).count(effect)
        if number:
            subject = str(number) if found else plural(number, "instance")
            found.append(f"{subject} {effect if number == 1 else effect[:-1]}")
    return ", ".join(found) or "no instance is touched"


def _details(sight: Sight) -> Iterator[str]:
    values = sight.change.get("values") or {}
    for name, effect in (sight.change.get("effects") or {}).items():
        yield f"{effect:<10} {name}"
        yield from (f"{'':<10}   {line}" for line in change_text.lines(values.get(name, {})))
    for line in change_text.lines(sight.change.get("hooks") or {}):
        yield f"{'changes':<10} hook {line}"
    for warning in sight.change.get("warnings") or ():
        yield f"warning: {warning}"
    if sight.trouble:
        yield f"trouble: {sight.trouble}"


def plan_json(
    sights: Sequence[Sight], new: NewFile, course: Course, strangers: Mapping[str, str]
) -> dict[str, Any]:
    """Return a plan for programs (docs/run/rollout.md)."""
    return {
        "site_file": new.path,
        "digest": new.digest,
        "hosts": [_sight_json(sight, new.digest) for sight in sights],
        "not_in_file": dict(strangers),
        "waves": [list(wave) for wave in course.waves],
    }


def _sight_json(sight: Sight, digest: str) -> dict[str, Any]:
    return {
        "host": sight.host,
        "standing": str(sight.standing(digest)),
        "reason": sight.away or sight.refusal,
        "version": sight.version or None,
        "installed": sight.installed or None,
        "file_digest": sight.file_digest or None,
        "used_digest": sight.used_digest or None,
        "trouble": sight.trouble,
        "change": dict(sight.change),
    }


def plan_exit_code(sights: Sequence[Sight], digest: str) -> int:
    """Return 78 if a host refuses the file, 69 if one does not answer, else 0."""
    standing = {sight.standing(digest) for sight in sights}
    if Standing.REFUSES in standing:
        return ConfigurationError.exit_code
    if Standing.AWAY in standing:
        return UnreachableError.exit_code
    return 0


_NEXT: Final[Mapping[Stage, str]] = {
    Stage.LEFT_OUT: "once that is mended: ocsd site apply, with the same file",
    Stage.REFUSED: "nothing was changed there",
    Stage.WENT_BACK: "it runs its file of before again",
    Stage.STUCK: "look at it there: ocsd status; the file before is beside the site file",
}
"""The state of a host that is not done, or the next step there."""


def result_lines(course: Course, new: NewFile) -> Iterator[str]:
    """Yield a line for each host that is not done, and a summary."""
    counts: dict[Stage, int] = {}
    alike: dict[tuple[Stage, str], list[str]] = {}
    for host, stage in course.stages.items():
        counts[stage] = counts.get(stage, 0) + 1
        if stage in _NEXT:
            alike.setdefault((stage, course.reasons.get(host, "")), []).append(host)
    for (stage, reason), hosts in alike.items():
        yield f"{', '.join(hosts)} {stage}: {'; '.join(filter(None, (reason, _NEXT[stage])))}"
    told = ", ".join(f"{number} {stage}" for stage, number in counts.items())
    yield f"{plural(len(course.stages), 'host')}: {told}"
    if course.under_way or course.has_failed or course.interrupted:
        yield f"see where each stands: ocsd site plan --site-file {shlex.quote(new.path)}"


def result_json(course: Course, new: NewFile, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result of a roll-out for programs."""
    return {
        "site_file": new.path,
        "digest": new.digest,
        "hosts": [
            {
                "host": host,
                "stage": str(stage),
                "reason": course.reasons.get(host, ""),
                "effects": dict(changes.get(host) or {}),
            }
            for host, stage in course.stages.items()
        ],
    }


def push_json(sights: Sequence[Sight], new: NewFile, ends: Mapping[str, StepEnd]) -> dict[str, Any]:
    """Return the result of a push for programs."""
    hosts = {
        sight.host: {"event": "left out", "reason": sight.away} for sight in sights if sight.away
    }
    hosts |= {host: {"event": str(end.event), "reason": end.why} for host, end in ends.items()}
    return {"site_file": new.path, "digest": new.digest, "hosts": hosts}
