"""What is tried by size and by number: nothing else may become slower."""

import contextlib
import time

from tests.system.attacks.scene import (
    NOT_AUTHORIZED,
    ROUTER_PORT,
    SucceededError,
    attack,
    no_login,
    refused,
)
from tests.system.attacks.wire import RefusedError, Session

DEEP = b"[" * 500_000
YAML_BOMB = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "\n".join(
    f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]" for n in range(12)
)
SLOWEST_ANSWER_S = 5.0
"""Patience with the site's answer to others, on a busy machine [s]."""


def answers(scene):
    """Return the time in which an operator gets an answer meanwhile [s]."""
    begun_s = time.monotonic()
    session = scene.person("otto", at=scene.hub)
    session.call("observatory.dome.ops", "status", "turn")
    needed_s = time.monotonic() - begun_s
    if needed_s > SLOWEST_ANSWER_S:
        raise SucceededError(f"others waited for {needed_s:.1f} s")
    return f"others were answered in {needed_s:.2f} s"


@attack("stranger", "others were answered", None)
def opens_two_hundred_connections_and_says_nothing(scene):
    with contextlib.ExitStack() as held:
        for _ in range(200):
            held.enter_context(scene.stranger.connect(scene.hub.address, ROUTER_PORT))
        return answers(scene)


@attack("stranger", "others were answered", None)
def sends_its_request_byte_by_byte(scene):
    with contextlib.ExitStack() as held:
        slow = [held.enter_context(scene.dial(at=scene.stranger)) for _ in range(20)]
        slow += [held.enter_context(scene.dial(8002, at=scene.stranger)) for _ in range(20)]
        for byte in b"GET /ws HT":
            for each in slow:
                each.sendall(bytes([byte]))
        return answers(scene)


@attack("stranger", "others were answered", no_login("otto"))
def tries_one_login_after_the_other(scene):
    until_s = time.monotonic() + 5
    tried = 0
    while time.monotonic() < until_s:
        tried += 1
        with contextlib.suppress(RefusedError, OSError):
            session = Session(
                scene.websocket(at=scene.stranger), name="otto", ticket=f"guess {tried}"
            )
            raise SucceededError(str(session.welcome))
    return answers(scene)


@attack("stranger", "closed|1009|reset|too large|Broken|abort", None)
def claims_a_frame_of_a_terabyte(scene):
    link = scene.websocket()
    link.send_frame(b"[1]", claimed=2**40)
    raise SucceededError(str(link.receive()))


@attack("stranger", "closed|1009|reset|too large|Broken|abort|Error", None)
def sends_a_frame_that_is_too_large(scene):
    link = scene.websocket()
    for _ in range(64):
        link.send_frame(b"x" * 2**20)
    raise SucceededError(str(link.receive()))


@attack("stranger", "closed|1002|protocol|invalid", None)
def sends_json_that_is_too_deep(scene):
    link = scene.websocket()
    link.send_frame(DEEP)
    raise SucceededError(str(link.receive()))


@attack("operator", "closed|error|1002|protocol|invalid|recursion", None)
def sends_json_that_is_too_deep_to_an_agent(scene):
    link = scene.person("otto").link
    link.send_frame(b'[48, 2, {}, "observatory.dome.ops", ' + DEEP + b"]" * 500_000 + b"]")
    message = link.receive()
    if message[0] == 50:
        raise SucceededError(str(message)[:200])
    return str(message)


@attack("stranger", "40[013]|413|^0", None)
def sends_json_that_is_too_deep_to_the_bridge(scene):
    return refused(scene.http("POST", "/call", DEEP))


@attack("stranger", "40[013]|413|^0", None)
def sends_json_that_is_too_deep_to_the_page(scene):
    return refused(scene.page("POST", "/api/v1/login", DEEP))


@attack("stranger", "40[013]|413|^0", None)
def sends_a_request_that_is_too_large_to_the_page(scene):
    return refused(scene.page("POST", "/api/v1/login", b'"' + b"x" * 2**24 + b'"'))


@attack("another user of the machine", "ocsd|alias|too|refuse", None)
def writes_a_yaml_bomb_as_site_file(scene):
    return _checked(scene, "bomb.yaml", YAML_BOMB)


@attack("another user of the machine", "ocsd|unknown|refuse", None)
def writes_code_into_a_site_file(scene):
    text = "hub: !!python/object/apply:os.system ['touch /tmp/ocsd-was-here']\n"
    return _checked(scene, "code.yaml", text)


@attack("stranger", NOT_AUTHORIZED + "|handshake|protocol|version|closed|Error", None)
def speaks_an_old_tls(scene):
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    words = []
    for port in (ROUTER_PORT, 8002):
        try:
            connection = scene.elsewhere.connect(scene.hub.address, port)
            raise SucceededError(context.wrap_socket(connection).version())
        except OSError as error:
            words.append(f"{type(error).__name__}: {error}")
    return "; ".join(words)


def _checked(scene, name, text):
    file = scene.hub.folder / name
    file.write_text(text)
    done = scene.hub.ocsd("check", "--site-file", file, limit_s=20)
    if done.returncode == 0 or "Traceback" in done.stderr:
        raise SucceededError(done.stdout + done.stderr)
    return done.stdout + done.stderr
