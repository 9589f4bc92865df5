"""The ways to people, against real servers on loopback: what each gets, and how it fails."""

import email
import json
import subprocess
import sys

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from ocsd.evaluator import senders
from ocsd.evaluator.attempts import AttemptResult, DeliveryAttempts
from tests.system.alarms.receiver import Receiver
from tests.system.waiting import free_port, wait_until

pytestmark = pytest.mark.system

CONTENT = {
    "host": "lab",
    "kind": "raised",
    "incident": 3,
    "severity": "critical",
    "alarm": "warm",
    "text": "the stage is wärm",
    "value": 5.5,
    "at": 1000.0,
    "link": "http://page/#field=x",
    "title": "[lab] CRITICAL: warm: the stage is wärm",
    "message": "warm (critical): the stage is wärm\n  raised, value 5.5",
    "thread": "abc-incident-3",
}
SECRET = "T0K3N-that-nobody-may-read"


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


def sent(way, keys, content=CONTENT):
    return senders.sent({"key": "abc-7", "receiver": {way: keys}, "content": content})


def webhook(receiver, **more):
    return {"url": f"http://127.0.0.1:{receiver.port}/alarm", "form": "slack", **more}


def test_a_webhook_gets_the_form_of_slack_or_our_own(receiver):
    assert sent("webhook", webhook(receiver)) == {}
    assert sent("webhook", webhook(receiver, form="json")) == {}
    slack, ours = receiver.messages
    assert slack["text"] == CONTENT["title"]
    assert slack["attachments"][0]["title_link"] == CONTENT["link"]
    assert ours == {**CONTENT, "key": "abc-7"}
    assert receiver.got[0][1]["Idempotency-Key"] == "abc-7"


def test_ntfy_gets_text_with_title_priority_and_token(receiver, tmp_path):
    token = tmp_path / "token"
    token.write_text(f"{SECRET}\n")
    keys = {"url": f"http://127.0.0.1:{receiver.port}/topic", "token-file": str(token)}
    assert sent("ntfy", keys) == {}
    [(path, headers, body)] = receiver.got
    assert (path, headers["Priority"], headers["Click"]) == ("/topic", "5", CONTENT["link"])
    assert headers["Authorization"] == f"Bearer {SECRET}"
    assert CONTENT["title"] in body.decode()


@pytest.mark.parametrize(
    ("code", "refused", "wait_s"),
    [(400, True, 0.0), (401, True, 0.0), (429, False, 17.0), (500, False, 0.0), (302, True, 0.0)],
)
def test_a_refusal_is_told_without_the_token(receiver, monkeypatch, code, refused, wait_s):
    monkeypatch.setenv("ALARM_TOKEN", SECRET)
    receiver.code, receiver.text = code, f"wrong token {SECRET}"
    receiver.headers = {"Location": f"http://127.0.0.1:{receiver.port}/other"}
    if code == 429:
        receiver.headers["Retry-After"] = "17"
    result = sent("webhook", webhook(receiver, **{"token-env": "ALARM_TOKEN"}))
    assert f"answers {code}" in result["reason"]
    assert "wrong token (secret)" in result["reason"]
    end = AttemptResult(**result)
    assert (end.refused, end.wait_s, end.perhaps) == (refused, wait_s, False)
    assert [path for path, _, _ in receiver.got] == ["/alarm"]


def test_an_address_that_is_a_secret_is_in_no_result(tmp_path):
    place = tmp_path / "url"
    place.write_text(f"http://127.0.0.1:{free_port()}/hooks/{SECRET}")
    result = sent("webhook", {"url-file": str(place), "form": "slack"})
    assert "refused" in result["reason"]
    assert SECRET not in json.dumps(result)
    place.unlink()
    result = sent("webhook", {"url-file": str(place), "form": "slack"})
    assert result["reason"] == f"url-file {place} cannot be read: No such file or directory"
    assert (
        "the token in NO_SUCH is empty"
        in sent("ntfy", {"url": "http://x", "token-env": "NO_SUCH"})["reason"]
    )


@pytest.mark.parametrize(
    "content",
    [
        f"http://127.0.0.1:9/hooks/{SECRET} # of Slack",
        f"http://127.0.0.1:9/hooks/{SECRET}\nhttp://127.0.0.1:9/other",
        f"http://ocsd:{SECRET}@127.0.0.1:9/hooks",
    ],
)
def test_a_secret_of_a_wrong_form_is_refused_without_its_words(tmp_path, content):
    place = tmp_path / "secret"
    place.write_text(content)
    for keys in (
        {"url-file": str(place)},
        {"url": "http://127.0.0.1:9/", "token-file": str(place)},
    ):
        result = sent("webhook", {**keys, "form": "slack"})
        assert SECRET not in json.dumps(result)
    assert result["reason"]


def test_an_answer_that_never_comes_is_in_doubt(receiver, monkeypatch):
    monkeypatch.setattr(senders, "SENDER_LIMIT_S", 0.3)
    receiver.hangs = True
    result = sent("webhook", webhook(receiver))
    assert "does not answer" in result["reason"]
    assert result["perhaps"]


def test_half_a_secret_is_in_no_reason(receiver, monkeypatch):
    monkeypatch.setenv("ALARM_TOKEN", SECRET)
    receiver.code, receiver.text = 401, "x" * (senders._LONGEST_SAID - 8) + SECRET
    result = sent("webhook", webhook(receiver, **{"token-env": "ALARM_TOKEN"}))
    assert SECRET[:8] not in result["reason"]


def test_a_command_gets_json_and_its_failure_is_told(tmp_path):
    place = tmp_path / "got"
    assert sent("command", ["sh", "-c", f"cat > {place}"]) == {}
    assert json.loads(place.read_text()) == {**CONTENT, "key": "abc-7"}
    result = sent("command", ["sh", "-c", "echo no modem; exit 3"])
    assert result["reason"] == "the command ended with code 3: no modem"
    assert "No such file" in sent("command", ["/no/such/program"])["reason"]


class Mailbox:
    """The handler of a mail server."""

    def __init__(self):
        self.got = []
        self.farewell = "221 Bye"

    async def handle_RCPT(self, _server, _session, envelope, address, _options):
        if address.startswith("nobody"):
            return "550 no such user"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_QUIT(self, *_):
        return self.farewell

    async def handle_DATA(self, _server, _session, envelope):
        self.got.append((envelope.rcpt_tos, email.message_from_bytes(envelope.content)))
        return "250 OK"


@pytest.fixture
def mailbox():
    """A mail server with STARTTLS, which wants the password for user `ocsd`."""
    box = Mailbox()
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=free_port(),
        auth_require_tls=False,
        authenticator=lambda *args: AuthResult(
            success=args[-1].password == SECRET.encode(), handled=False
        ),
    )
    controller.start()
    box.server = f"127.0.0.1:{controller.port}"
    yield box
    controller.stop()


def test_mail_is_one_thread_for_an_incident(mailbox, tmp_path):
    place = tmp_path / "password"
    place.write_text(SECRET)
    keys = {
        "to": ["night@example.org", "day@example.org"],
        "from": "ocsd@example.org",
        "server": mailbox.server,
        "tls": "none",
        "user": "ocsd",
        "password-file": str(place),
    }
    assert sent("mail", keys) == {}
    [(to, message)] = mailbox.got
    assert to == keys["to"]
    assert message["Message-ID"] == "<abc-7@example.org>"
    assert message["References"] == "<abc-incident-3@example.org>"
    subject = str(email.header.make_header(email.header.decode_header(message["Subject"])))
    assert subject == CONTENT["title"]
    place.write_text("wrong")
    result = sent("mail", keys)
    assert "refuses user or password: 535" in result["reason"]
    assert result["refused"]


def test_mail_that_some_cannot_get_is_told_with_their_names(mailbox):
    """Another attempt is made for them only."""
    keys = {"to": ["nobody@example.org"], "server": mailbox.server, "tls": "none"}
    result = sent("mail", keys)
    assert "nobody@example.org" in result["reason"]
    assert result["refused"]
    keys["to"] = ["night@example.org", "nobody@example.org"]
    result = sent("mail", keys)
    assert "refuses nobody@example.org: 550 no such user" in result["reason"]
    assert result["left"] == ["nobody@example.org"]
    assert "nobody" in sent("mail", keys, {**CONTENT, "left": result["left"]})["reason"]
    assert [to for to, _ in mailbox.got] == [["night@example.org"]]
    assert "refused" in sent("mail", {**keys, "server": f"127.0.0.1:{free_port()}"})["reason"]


def test_mail_that_was_taken_is_delivered_whatever_comes_after_it(mailbox):
    mailbox.farewell = "451 not so fast"
    keys = {"to": ["night@example.org"], "server": mailbox.server, "tls": "none"}
    assert sent("mail", keys) == {}
    assert len(mailbox.got) == 1


def test_an_attempt_goes_on_without_its_owner_and_its_end_is_known(receiver, tmp_path):
    """Its owner is another process, which is killed while the attempt is under way."""
    receiver.hangs = True
    job = {"key": "abc-7", "receiver": {"webhook": webhook(receiver)}, "content": CONTENT}
    program = (
        "import json, sys, os, pathlib; from ocsd.evaluator.attempts import DeliveryAttempts; "
        "DeliveryAttempts(pathlib.Path(sys.argv[1])).begin('abc-7.hook', json.loads(sys.argv[2])); "
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", program, str(tmp_path), json.dumps(job)], check=False)
    wait_until(lambda: receiver.got, "the attempt to send")
    attempts = DeliveryAttempts(tmp_path)
    assert attempts.runs("abc-7.hook")
    receiver._ending.set()
    wait_until(lambda: not attempts.runs("abc-7.hook"), "its end")
    # The server has closed the connection without an answer.
    assert "Remote" in attempts.end("abc-7.hook").reason
    assert attempts.end("abc-7.hook").perhaps
    assert len(receiver.got) == 1
    attempts.forget("abc-7.hook")
    assert list(tmp_path.iterdir()) == []


def test_what_is_known_of_an_attempt_that_was_killed(tmp_path):
    attempts = DeliveryAttempts(tmp_path)
    job = {"key": "k", "receiver": {"command": ["sleep", "3"]}, "content": CONTENT}
    attempts.begin("k.hook", job)
    wait_until((tmp_path / "k.hook.begun").exists, "it to begin")
    attempts._children["k.hook"].kill()
    wait_until(lambda: not attempts.runs("k.hook"), "its end")
    assert attempts.end("k.hook") == AttemptResult(
        "its process was ended while it was sending", perhaps=True
    )
    (tmp_path / "k.hook.begun").unlink()
    assert not attempts.end("k.hook").perhaps
    (tmp_path / "k.hook").unlink()
    assert attempts.end("k.hook").perhaps
