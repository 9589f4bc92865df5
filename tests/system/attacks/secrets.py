"""What a secret could be found in by somebody who has no right to it."""

import base64
import json
import re
from pathlib import Path

from tests.system.attacks.scene import DIRECTOR, GRANT_PASSWORD, SucceededError, attack, basic

SENT_SECRET = "a-parameter-that-nobody-may-see"


def all_secrets(scene):
    """Return each secret of the site, and its name."""
    store = scene.store
    found = {f"password of {name}": text for name, text in scene.passwords.items()}
    found["password of a grant"] = GRANT_PASSWORD
    raw = {"the secret of the site": store.secret(), "the key of the host": store.host_key()}
    for name, secret in raw.items():
        found[f"{name}, in hex"] = secret.hex()
        found[f"{name}, in base64"] = base64.b64encode(secret).decode().rstrip("=")[:-1]
        found[f"{name}, in base64 for URLs"] = base64.urlsafe_b64encode(secret).decode()[:-2]
    for name, record in json.loads((store.folder / "urls.json").read_text()).items():
        found[f"the URL of {name}"] = record["secret"]
    for name, record in json.loads((store.folder / "users.json").read_text()).items():
        found[f"the hash of {name}"] = record["password"]
    for name in ("ca.key", "router.key"):
        found[name] = (store.folder / name).read_text().splitlines()[1]
    return found


def of_agent(scene, name):
    """Return the ticket of an agent."""
    from ocsd.access.tickets import Login, ticket_of

    return ticket_of(scene.store.host_key(), Login(name, "hub"))


def _search(scene, places):
    """Raise if one of the texts, by place, has a secret."""
    secrets = all_secrets(scene)
    for agent in ("fake-x", "dome", DIRECTOR):
        secrets[f"the ticket of {agent}"] = of_agent(scene, agent)
    for place, text in places:
        for name, secret in secrets.items():
            if secret in text:
                raise SucceededError(f"{name} is in {place}")
    return "no secret in all of these"


def _files(*folders):
    for folder in folders:
        for file in Path(folder).rglob("*"):
            if file.is_file() and not file.is_symlink():
                yield file, file.read_bytes().decode(errors="replace")


@attack("another user of the machine", "no secret", None)
def looks_for_secrets_in_the_titles_of_processes(scene):
    pids = scene.hub.checked("sh", "-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' '")
    return _search(scene, [("the title of a process", pids)])


@attack("agent", "no secret", None)
def looks_for_secrets_in_the_environment(scene):
    script = "for f in /proc/[0-9]*/environ; do tr '\\0' '\\n' < $f; done 2>/dev/null || true"
    return _search(
        scene, [("the environment of a process", scene.hub.run("sh", "-c", script).stdout)]
    )


@attack("viewer", "no secret", None)
def looks_for_secrets_in_logs(scene):
    return _search(scene, _files(scene.hub.logs))


@attack("viewer", "no secret", None)
def looks_for_secrets_in_the_status(scene):
    words = [("status", "--json"), ("history", "--json"), ("audit", "--json")]
    answers = [(word[0], scene.hub.ocsd(*word, "--host", "hub").stdout) for word in words]
    assert all(text for _, text in answers)
    return _search(scene, answers)


@attack("viewer", "no secret", None)
def looks_for_secrets_in_what_agents_tell(scene):
    session = scene.person("vera")
    answers = []
    for agent in ("fake-x", "dome", "vault", DIRECTOR, "registry", "aggregator"):
        answers.append((agent, json.dumps(session.call(f"observatory.{agent}", "get_api"))))
    answers += [("events", json.dumps(session.events_within(1)))]
    return _search(scene, answers)


@attack("another user of the machine", "no secret", None)
def looks_for_secrets_in_journals(scene):
    """The history, the journal of the recorder, the spools, the audit: everything but the keys."""
    state = scene.hub.state
    kept = [(file, text) for file, text in _files(state) if "access" not in file.parts]
    assert len(kept) > 5
    return _search(scene, [row for row in kept if not _is_private(row[0])])


def _is_private(file):
    """Say whether only the daemon's own user may read a file, as the router's configuration."""
    return file.stat().st_mode & 0o077 == 0 and "router" in file.parts


@attack("operator", "no secret", None)
def passes_a_secret_that_the_audit_would_keep(scene):
    session = scene.person("emma")
    session.call("observatory.dome.ops", "start", "aim", {"password": SENT_SECRET})
    login = basic("otto", scene.passwords["otto"])
    scene.http("POST", "/call", {"procedure": "observatory.dome", "args": []}, Authorization=login)
    session.events_within(3)
    for place, text in _files(scene.hub.state / "audit", scene.hub.logs):
        if SENT_SECRET in text or re.search(r"Basic [A-Za-z0-9+/]{8}", text):
            raise SucceededError(f"it is in {place}")
    return "no secret"
