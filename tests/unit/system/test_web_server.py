"""twisted.web without what is not used of it."""

import subprocess
import sys
import textwrap


def in_a_process_of_its_own(code):
    """Run code in a process that has loaded nothing; return what it prints."""
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_what_is_not_used_is_not_loaded_and_is_there_for_others():
    loaded = in_a_process_of_its_own(
        """
        import sys
        from ocsd.system.web_server import http, resource, server
        print(*sys.modules.keys() & {"h2", "twisted.spread.pb", "twisted.web.util", "xml.sax"})
        from twisted.spread.pb import Copyable
        from twisted.web.util import redirectTo
        from twisted.web import util
        assert Copyable.__module__.startswith("twisted.spread"), Copyable
        assert util.redirectTo is redirectTo
        """
    )
    assert loaded == []


def test_a_resource_that_answers_nonsense_gets_the_page_of_twisted():
    printed = in_a_process_of_its_own(
        """
        from twisted.internet.testing import StringTransport
        from ocsd.system.web_server import resource, server

        class Wrong(resource.Resource):
            isLeaf = True
            def render(self, request):
                return "no bytes"

        site = server.Site(Wrong())
        site.displayTracebacks = True
        channel = site.buildProtocol(None)
        transport = StringTransport()
        channel.makeConnection(transport)
        channel.dataReceived(b"GET / HTTP/1.0\\r\\n\\r\\n")
        print(transport.value().decode())
        """
    )
    assert "500" in printed
    assert "did not return bytes" in " ".join(printed)


def test_http_2_is_offered_where_it_is_asked_for():
    first, second = in_a_process_of_its_own(
        """
        from ocsd.system.web_server import resource, server, speak_http_2
        site = server.Site(resource.Resource())
        print(b"h2" in site.acceptableProtocols())
        speak_http_2()
        print(b"h2" in site.acceptableProtocols())
        """
    )
    assert (first, second) == ("False", "True")
