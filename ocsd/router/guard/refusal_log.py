"""Reports of what the router refuses: lines of its log, each once a minute, and counted."""

from collections.abc import Callable
from typing import Any, Final

from ocsd.access.rules import Party
from ocsd.text.printable import one_line

AGAIN_S: Final = 60.0
"""Time after which the same refusal is reported again [s]."""

MOST_REPORTS: Final = 500
"""Different refusals in that time that are reported; the others are counted."""

_LINE_LIMIT: Final = 500


class RefusalLog:
    """Reports refusals.

    Parameters
    ----------
    now : callable
        Returns the time [s, Unix time].
    tell : callable, optional
        Takes the line for the log; by default crossbar's log.
    """

    def __init__(
        self, now: Callable[[], float], tell: Callable[[str], object] | None = None
    ) -> None:
        self._now = now
        self._tell = tell or _log
        self._since_at = now()
        self._counts: dict[tuple[str, ...], int] = {}
        self._left_out = 0

    def told(self, who: Party, peer: str, action: str, reason: str) -> None:
        """Report a refusal, unless the same one was reported a moment ago."""
        key = who.authid, who.role, peer, action, reason
        if key in self._counts:
            self._counts[key] += 1
        elif len(self._counts) >= MOST_REPORTS:
            self._left_out += 1
        else:
            self._counts[key] = 0
            name = who.authid or "somebody"
            self._tell(one_line(f"refused {name} from {peer}: {reason}"[:_LINE_LIMIT]))

    def fault(self, text: str) -> None:
        """Report something that is wrong with this router."""
        self._tell(one_line(text))

    def flush(self) -> None:
        """Report how often refusals were repeated, once their time is over."""
        if self._now() - self._since_at < AGAIN_S:
            return
        self._since_at = self._now()
        for (authid, _, peer, _, reason), count in self._counts.items():
            if count:
                text = f"refused {authid or 'somebody'} from {peer} {count} times more: {reason}"
                self._tell(one_line(text[:_LINE_LIMIT]))
        if self._left_out:
            self._tell(f"{self._left_out} more refusals of other kinds in {AGAIN_S:.0f} s")
        self._counts.clear()
        self._left_out = 0


def _log(line: str) -> None:
    import txaio

    logger: Any = txaio.make_logger()
    logger.warn("{line}", line=line)
