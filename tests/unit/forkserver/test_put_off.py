"""Libraries that few agents use are loaded when they are used, and only then."""

import subprocess
import sys

import pytest

LOADED = """
import sys
from ocsd.forkserver.warmth.loading import Loading
from ocsd.forkserver.warmth import put_off
Loading().make_ready(for_agents=False)
away = [name for group in put_off.GROUPS for name in group]
stands_in = (put_off.LateModule, put_off._PutOffName)
"""
MAKE_CERTIFICATE = """
from datetime import datetime, timedelta, timezone
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
key = ec.generate_private_key(ec.SECP256R1())
name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, 'localhost')])
now = datetime.now(timezone.utc)
certificate = (
    x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    .serial_number(1).not_valid_before(now - timedelta(1)).not_valid_after(now + timedelta(1))
    .add_extension(x509.SubjectAlternativeName([x509.DNSName('localhost')]), critical=False)
    .sign(key, hashes.SHA256())
)
pem = certificate.public_bytes(serialization.Encoding.PEM)
with open(sys.argv[1], 'wb') as file:
    file.write(pem)
    file.write(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption()))
"""


def after_loading(code, *words):
    """Return what code prints in a process that has loaded what agents need."""
    done = subprocess.run(
        [sys.executable, "-c", LOADED + code, *words],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_nothing_that_is_put_off_is_loaded_and_everybody_who_holds_a_name_of_it_is_known():
    """So that what it stands for is put in its place when it is used."""
    code = """
print(*({*away, 'pydantic', 'yaml', 'http.client'} & set(sys.modules)))
for name, module in list(sys.modules.items()):
    for value in list(vars(module).values()):
        if type(value) in stands_in and name not in put_off.USERS:
            print(name, value)
"""
    assert after_loading(code) == []


@pytest.mark.parametrize("by", ["endpoint", "start_tls"])
def test_tls_works_when_it_is_used(by, tmp_path):
    client = {
        "endpoint": """
context = ssl.optionsForClientTLS('localhost', ssl.Certificate.loadPEM(pem))
tcp = endpoints.TCP4ClientEndpoint(reactor, '127.0.0.1', port)
endpoints.wrapClientTLS(context, tcp).connect(Factory.forProtocol(Client)).addErrback(failed)
""",
        "start_tls": """
class Starting(Client):
    def connectionMade(self):
        self.transport.startTLS(ssl.CertificateOptions())
        super().connectionMade()
tcp = endpoints.TCP4ClientEndpoint(reactor, '127.0.0.1', port)
tcp.connect(Factory.forProtocol(Starting)).addErrback(failed)
""",
    }[by]
    code = f"""
{MAKE_CERTIFICATE}
from twisted.internet import endpoints, reactor
from twisted.internet.protocol import Factory, Protocol

class Echo(Protocol):
    def dataReceived(self, data):
        self.transport.write(data)

class Client(Protocol):
    def connectionMade(self):
        self.transport.write(b'hello')
    def dataReceived(self, data):
        print(data.decode())
        self.transport.abortConnection()
        reactor.stop()

def failed(failure):
    print(failure)
    reactor.stop()

def listening(listener):
    # The server came first: it has loaded TLS by the name that stood in its place.
    from twisted.internet import ssl
    port = listener.getHost().port
    globals().update(locals())
    exec({client!r}, globals())

description = f'ssl:0:interface=127.0.0.1:privateKey={{sys.argv[1]}}:certKey={{sys.argv[1]}}'
server = endpoints.serverFromString(reactor, description)
server.listen(Factory.forProtocol(Echo)).addCallbacks(listening, failed)
reactor.callLater(30, reactor.stop)
reactor.run()
held = [endpoints, sys.modules['twisted.internet._newtls'], sys.modules['autobahn.util']]
print(*(name for module in held for name, value in vars(module).items() if type(value) in stands_in
        and name not in ('hyperlink',)))
"""
    assert after_loading(code, str(tmp_path / "both.pem")) == ["hello"]


def test_what_is_put_off_is_what_it_stands_for_once_it_is_used():
    code = """
import hashlib
import txaio
from autobahn.wamp import auth
from twisted.internet import endpoints
from twisted.internet.defer import ensureDeferred

async def answer():
    return 42

def plain():
    return 43

for _ in range(2):
    txaio.as_future(answer).addCallback(print)
    txaio.as_future(plain).addCallback(print)
    ensureDeferred(answer()).addCallback(print)
    print('asyncio' in sys.modules)
    import asyncio
derived = hashlib.pbkdf2_hmac('sha256', b'secret', b'salt', 10, 4)
print(auth.pbkdf2(b'secret', b'salt', 10, 4) == derived, 'OpenSSL' in sys.modules)
print(isinstance(1, endpoints.SSLError), 'OpenSSL' in sys.modules)
class Mine(endpoints.CertificateOptions):
    pass
from OpenSSL import SSL
print(endpoints.SSLError is SSL.Error)
"""
    coroutines = ["42", "43", "42"]
    tls = ["True", "False", "False", "False", "True"]
    assert after_loading(code) == [*coroutines, "False", *coroutines, "True", *tls]
