"""What is tried at the page in the browser and at the control API."""

import re

from tests.system.attacks.scene import SucceededError, attack, basic, refused

RESTART = "/api/v1/instances/restart"
OPEN_ROOF = "/api/v1/instances/dome/operations/open_roof/start"
NAMES = {"names": ["fake-x"]}


def by_page(action, person="", **more):
    """Return the entry of the page that refused somebody something."""
    return {"kind": "login|change|operation", "action": action, "outcome": "refused", **more} | {
        "person": person or "^$"
    }


def cookie(scene, name):
    """Log in at the page as somebody; return the cookie."""
    body = {"name": name, "password": scene.passwords[name]}
    status, fields, answer = scene.page("POST", "/api/v1/login", body)
    assert status == 200, answer
    given = fields["set-cookie"]
    assert {"httponly", "secure", "samesite=strict"} <= set(re.split(r"; *", given.lower())), given
    return given.partition(";")[0]


@attack("stranger", "401", None)
def reads_the_state_without_a_login(scene):
    return refused(scene.page("GET", "/api/v1/state"), 401)


@attack("stranger", "401", by_page("restart"))
def restarts_an_agent_without_a_login(scene):
    return refused(scene.page("POST", RESTART, NAMES), 401)


@attack("stranger", "401|403", by_page("login", target="otto"))
def guesses_a_password_at_the_page(scene):
    return refused(scene.page("POST", "/api/v1/login", {"name": "otto", "password": "1234"}))


@attack("stranger", "401", None)
def makes_up_a_cookie(scene):
    name = cookie(scene, "vera").partition("=")[0]
    return refused(scene.page("GET", "/api/v1/state", Cookie=f"{name}={'A' * 43}"), 401)


@attack("stranger", "401", None)
def uses_a_cookie_after_its_logout(scene):
    kept = cookie(scene, "vera")
    scene.page("POST", "/api/v1/logout", {}, Cookie=kept)
    return refused(scene.page("GET", "/api/v1/state", Cookie=kept), 401)


@attack("stranger", "401", None)
def claims_to_be_the_web_server_in_front(scene):
    return refused(scene.page("GET", "/api/v1/state", X_Remote_User="anna"), 401)


@attack("stranger", "^(0|4)", None)
def speaks_http_instead_of_https_to_the_page(scene):
    return refused(scene.page("GET", "/api/v1/state", plain=True))


@attack("stranger", "40[0134]", None)
def walks_out_of_the_folder_of_the_page(scene):
    for path in ("/../../../../etc/passwd", "/%2e%2e/%2e%2e/access/secret", "//etc/passwd"):
        status, _, body = scene.page("GET", path)
        if "root:" in body:
            raise SucceededError(body)
    return f"{status}"


@attack("stranger", "403", None)
def leads_a_browser_here_by_another_name(scene):
    """DNS rebinding: the page of somebody else whose name suddenly leads to the hub."""
    kept = cookie(scene, "otto")
    answer = scene.page("GET", "/api/v1/state", Host="evil.example", Cookie=kept)
    return refused(answer, 403, 421)


@attack("stranger", "403|401", None)
def lets_the_browser_of_an_operator_restart_an_agent(scene):
    """CSRF: the cookie is sent along with a request of another page."""
    kept = cookie(scene, "otto")
    origin = {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"}
    return refused(scene.page("POST", RESTART, NAMES, Cookie=kept, **origin), 403)


@attack("stranger", "403|415", None)
def lets_a_form_restart_an_agent(scene):
    kept = cookie(scene, "otto")
    kind = {"Content_Type": "text/plain", "Origin": "null"}
    return refused(scene.page("POST", RESTART, NAMES, Cookie=kept, **kind), 403, 415)


@attack("stranger", "429|401", None)
def tries_a_hundred_passwords_at_the_page(scene):
    for number in range(100):
        body = {"name": "emma", "password": f"guess {number}"}
        status, _, answer = scene.page("POST", "/api/v1/login", body)
        if status == 429:
            break
    else:
        raise SucceededError("a hundred passwords were tried, none was put off")
    return f"{status} {answer}"


@attack("viewer", "403", by_page("restart", "vera"))
def restarts_an_agent_at_the_page(scene):
    kept = cookie(scene, "vera")
    return refused(scene.page("POST", RESTART, NAMES, Cookie=kept), 403)


@attack("operator", "credential level|403", by_page("start", "otto"))
def opens_the_roof_at_the_page(scene):
    kept = cookie(scene, "otto")
    caller = {"caller": {"person": "anna", "role": "admin", "address": ""}}
    status, _, answer = scene.page("POST", OPEN_ROOF, {"params": {}, **caller}, Cookie=kept)
    if status == 200 and "credential level" not in answer:
        status, _, answer = scene.page("POST", OPEN_ROOF, {}, Cookie=kept)
        if status == 200 and "credential level" not in answer:
            raise SucceededError(answer)
    return f"{status} {answer}"


@attack("operator", "403|401", None)
def sends_a_password_with_each_request_from_another_page(scene):
    login = basic("otto", scene.passwords["otto"])
    origin = {"Origin": "https://evil.example", "Sec_Fetch_Site": "cross-site"}
    return refused(scene.page("POST", RESTART, NAMES, Authorization=login, **origin))
