"""The places of the logs that a command is meant for, whether the daemon runs or not."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ocsd.cli.arguments import targets
from ocsd.cli.talk import present
from ocsd.cli.talk.hosts import hosts_of_files
from ocsd.errors import NoDaemonError, NoLogError, NoSuchInstanceError, SeveralDaemonsError
from ocsd.status import replies
from ocsd.system import paths

BESIDE = (replies.ROUTER, replies.DAEMON, "forkserver")
"""The logs that stand beside those of the instances."""


def find(
    words: Sequence[str], agent_class: str | None, host: str | None, *, follow: bool = False
) -> dict[str, Path]:
    """Return the paths of the logs of names, patterns and a class, by name.

    Without any of these, every log of the host is meant that exists or, to `follow` it, may come
    to exist. A log that is named need not exist yet; those of a pattern or class are the written
    ones.

    Raises
    ------
    NoSuchInstanceError
        If a name, pattern or class stands for nothing.
    NoDaemonError, SeveralDaemonsError, NotPermittedError
        As for `control.find`.
    NoLogError
        If the host has no log at all.
    """
    for word in words:
        if not word or os.sep in word or word.startswith("."):
            raise NoSuchInstanceError(f"'{word}' cannot be the name of an instance")
    try:
        answer = present.status(host)
    except NoDaemonError as error:
        return _kept(words, agent_class, host, error)
    if not words and agent_class is None:
        return _all_of_daemon(answer, follow)
    found = _of_daemon(words, agent_class, answer)
    if follow:
        return found
    return _written(found, words)


def _all_of_daemon(answer: Mapping[str, Any], follow: bool) -> dict[str, Path]:
    listed = _listed(answer)
    folders = _folders(listed, answer)
    beside = ((name, _first_of(name, folders)) for name in BESIDE)
    logs = {**listed, **{name: path for name, path in beside if path}}
    if follow:
        return logs
    existing = {name: path for name, path in logs.items() if os.path.exists(path)}
    if not existing:
        raise NoLogError(f"nothing has written a log yet ({_joined(folders)}); see: ocsd status")
    return existing


def _of_daemon(
    words: Sequence[str], agent_class: str | None, answer: Mapping[str, Any]
) -> dict[str, Path]:
    listed = _listed(answer)
    folders = _folders(listed, answer)
    found = {}
    for name in targets.chosen(words, agent_class, answer):
        path = listed.get(name) or _first_of(name, folders)
        if path is None:
            raise NoSuchInstanceError(targets.no_such_instance(name, answer))
        found[name] = path
    return found


def _written(found: Mapping[str, Path], words: Sequence[str]) -> dict[str, Path]:
    """Leave out the logs that do not exist, unless they are named."""
    kept = {name: path for name, path in found.items() if name in words or os.path.exists(path)}
    if not kept:
        raise NoLogError(f"none of these has written a log yet: {', '.join(found)}")
    return kept


def _folders(listed: Mapping[str, Path], answer: Mapping[str, Any]) -> dict[Path, None]:
    """Return the folders of the logs of a host.

    The logs of the daemon, the router and instances that left the site file stand beside the
    others.
    """
    default = paths.of_host(answer.get("host", "")).logs
    return dict.fromkeys([*(path.parent for path in listed.values()), default])


def _listed(answer: Mapping[str, Any]) -> dict[str, Path]:
    """Return the log of each instance that the daemon has."""
    default = paths.of_host(answer.get("host", ""))
    instances = replies.host_status(answer).instances
    return {
        each.instance_id: Path(each.log_path or default.instance_log(each.instance_id))
        for each in instances
    }


def _first_of(name: str, folders: Mapping[Path, None]) -> Path | None:
    candidates = (folder / f"{name}.log" for folder in folders)
    return next((path for path in candidates if os.path.exists(path)), None)


def _kept(
    words: Sequence[str], agent_class: str | None, host: str | None, why: NoDaemonError
) -> dict[str, Path]:
    """Return the logs of a host whose daemon does not run."""
    if agent_class is not None:
        raise NoDaemonError(f"{why}. Without it the classes are not known; name the logs") from why
    folders = {name: paths.of_host(name).logs for name in hosts_of_files(host, why)}
    hosts = {name: logs for name, folder in folders.items() if (logs := _logs_in(folder))}
    if words and not any(map(targets.is_pattern, words)):
        return {word: _kept_log(word, hosts, folders.values(), why) for word in words}
    if len(hosts) > 1:
        raise SeveralDaemonsError(f"several hosts have logs ({', '.join(hosts)}); add --host")
    for logs in hosts.values():
        names = list(logs)
        if words:
            # As with a daemon, patterns stand for instances only.
            names = targets.matching(words, [each for each in logs if each not in BESIDE])
        return {name: _kept_log(name, hosts, folders.values(), why) for name in names}
    raise NoDaemonError(f"{why}. There is no log in {_joined(folders.values())} either") from why


def _kept_log(
    name: str, hosts: Mapping[str, Mapping[str, Path]], folders: Any, why: NoDaemonError
) -> Path:
    logs = [found[name] for found in hosts.values() if name in found]
    if not logs:
        raise NoDaemonError(f"{why}. There is no log of '{name}' in {_joined(folders)} either")
    if len(logs) > 1:
        raise SeveralDaemonsError(
            f"several hosts have a log of '{name}' ({_joined(logs)}); add --host"
        )
    return logs[0]


def _logs_in(folder: Path) -> dict[str, Path]:
    try:
        return {path.stem: path for path in sorted(folder.glob("*.log"))}
    except OSError:
        return {}


def _joined(paths: Any) -> str:
    return ", ".join(map(str, paths))
