"""What another user of the same machine tries, and what files with wrong modes do."""

import inspect
import os
import pwd

from tests.system.attacks import local_user
from tests.system.attacks.scene import TABLE, Attack, SucceededError, attack

REFUSED = "Permission|denied|refused"


def _trial(name):
    return lambda scene: scene.local(name)


TABLE.extend(
    Attack(name, "another user of the machine", _trial(name), REFUSED, None)
    for name, function in inspect.getmembers(local_user, inspect.isfunction)
    if function.__module__ == local_user.__name__ and not name.startswith("_")
)


@attack("another user of the machine", "0640|0600|mode|open to", None)
def finds_the_list_of_people_open(scene):
    """A file with a wrong mode is refused by name, and nothing is made of it."""
    file = scene.hub.state / "access/users.json"
    file.chmod(0o644)
    try:
        done = scene.hub.ocsd("access", "user", "list", "--host", "hub")
    finally:
        file.chmod(0o600)
    if done.returncode == 0 or "users.json" not in done.stderr:
        raise SucceededError(done.stdout + done.stderr)
    return done.stderr


@attack("another user of the machine", "link|regular|owner|symbolic", None)
def puts_a_link_in_place_of_the_list_of_people(scene):
    """The file that it leads to is private as well, but somebody else's."""
    file, kept = scene.hub.state / "access/users.json", scene.hub.folder / "kept-users.json"
    his = scene.hub.folder / "his-users.json"
    his.touch(0o600)
    his.write_bytes(file.read_bytes().replace(b"viewer", b"admin"))
    nobody = pwd.getpwnam("nobody")
    os.chown(his, nobody.pw_uid, nobody.pw_gid)
    file.rename(kept)
    try:
        file.symlink_to(his)
        done = scene.hub.ocsd("access", "user", "list", "--host", "hub")
    finally:
        kept.replace(file)
    if done.returncode == 0 or "users.json" not in done.stderr:
        raise SucceededError(done.stdout + done.stderr)
    return done.stderr


@attack("another user of the machine", "missing|changed|inserted", None)
def takes_a_line_out_of_the_audit(scene):
    """Even root cannot do that unseen."""
    [file, *_] = sorted((scene.hub.state / "audit").glob("*.jsonl"))
    kept = file.read_bytes()
    lines = kept.splitlines(keepends=True)
    copy = scene.hub.folder / "copied"
    (copy / "hub/audit").mkdir(parents=True)
    (copy / "hub/audit" / file.name).write_bytes(b"".join(lines[:2] + lines[3:]))
    elsewhere = {"STATE_DIRECTORY": str(copy), "RUNTIME_DIRECTORY": str(copy / "run")}
    done = scene.hub.ocsd("audit", "--verify", "--host", "hub", environment=elsewhere)
    if "entry 2" not in done.stdout + done.stderr:
        raise SucceededError(done.stdout + done.stderr)
    return done.stdout + done.stderr
