"""What another user of the hub's machine tries; run as that user: `… local_user NAME FOLDER`.

A function that returns has succeeded; whatever it raises is the refusal.
"""

import json
import os
import socket
import sys
from pathlib import Path

from tests.system.attacks.wire import RawSocket, RefusedError, Session, unix

SECRET_NAMES = ("secret", "ca.key", "router.key", "users.json", "urls.json", "site.json")


def opens_the_control_socket(folder):
    unix(folder / "run/hub/control.sock")


def opens_the_socket_of_the_fork_server(folder):
    unix(folder / "run/hub/fork.sock")


def joins_over_the_socket_of_the_router(folder):
    Session(RawSocket(unix(folder / "run/hub/router.sock")))


def calls_over_the_socket_of_the_router(folder):
    unix(folder / "run/hub/http.sock")


def reports_to_the_daemon_as_an_agent(folder):
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    note = [{"at": 1, "kind": "operation", "action": "start", "person": "anna"}]
    sock.sendto(b"X_AUDIT=" + json.dumps(note).encode(), str(folder / "run/hub/notify.sock"))
    # Who sends it is known by the kernel: it may arrive, and must be thrown away.
    audit = folder / "state/hub/audit"
    raise PermissionError(f"sent; cannot see {audit}: {os.access(audit, os.R_OK)}")


def reads_keys(folder):
    return _first_readable(folder / "state/hub/access" / name for name in SECRET_NAMES)


def lists_the_folder_of_keys(folder):
    return os.listdir(folder / "state/hub/access")


def reads_the_configuration_of_the_router(folder):
    return (folder / "state/hub/router/config.json").read_text()


def reads_what_agents_keep(folder):
    return os.listdir(folder / "state/hub/spool")


def reads_the_audit(folder):
    return os.listdir(folder / "state/hub/audit")


def puts_its_own_socket_in_place_of_the_router(folder):
    place = folder / "run/hub/router.sock"
    place.unlink()


def leads_the_daemon_astray_by_a_link(folder):
    (folder / "run/hub/control.sock.new").symlink_to("/etc/passwd")


def puts_a_link_into_the_logs(folder):
    (folder / "log/hub/new.log").symlink_to("/etc/passwd")


def reads_the_environment_of_the_daemon(folder):
    return _first_readable(
        Path(f"/proc/{pid}/environ") for pid in os.listdir("/proc") if pid.isdigit() and pid != "1"
    )


def attaches_to_an_agent(folder):
    return _first_readable(
        Path(f"/proc/{pid}/mem") for pid in os.listdir("/proc") if pid.isdigit() and pid != "1"
    )


def _first_readable(files):
    own = str(os.getpid())
    for file in files:
        if own in file.parts:
            continue
        try:
            with file.open("rb") as opened:
                return f"{file}: {opened.read(40)!r}"
        except OSError as error:
            words = str(error)
    raise PermissionError(words)


if __name__ == "__main__":
    name, where = sys.argv[1:]
    try:
        got = globals()[name](Path(where))
    except (OSError, RefusedError) as error:
        sys.exit(f"refused: {type(error).__name__}: {error}")
    print(f"{name} succeeded: {got}")
