"""The commands that run for people on other hosts."""

from types import SimpleNamespace

from ocsd.daemon.site.runs import CommandRuns


class Run(SimpleNamespace):
    """A command that notes whether it was ended."""

    ended = False

    def end(self):
        self.ended = True


def test_with_the_daemon_ends_what_only_looks():
    runs = CommandRuns(reactor=None, host="lab-1")
    follower, restart, left = Run(changes=False), Run(changes=True), Run(changes=False)
    runs._runs.update(a=follower, b=restart)
    runs._left.append(left)
    runs.end_what_looks()
    assert [each.ended for each in (follower, restart, left)] == [True, False, True]
