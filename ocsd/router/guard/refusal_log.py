"""Reports of what the router refuses: for the audit journal, and once a minute for its log."""

from collections.abc import Callable
from typing import Any, Final

from ocsd.access.rules import Party
from ocsd.audit.entry import AuditKind, AuditOutcome
from ocsd.audit.notes import Notes
from ocsd.text.printable import one_line

AGAIN_S: Final = 60.0
"""Time after which the same refusal is reported again [s]."""

MOST_REPORTS: Final = 500
"""Different refusals in that time that are reported; the others are counted."""

_LINE_LIMIT: Final = 500
"""Length of a line and of each text of a report [characters]; clients choose some of them."""


class RefusalLog:
    """Reports refusals.

    Parameters
    ----------
    now : callable
        Returns the time [s, Unix time].
    tell : callable, optional
        Takes the line for the log; by default crossbar's log.
    notes : Notes, optional
        Takes the entries for the audit journal.
    """

    def __init__(
        self,
        now: Callable[[], float],
        tell: Callable[[str], object] | None = None,
        notes: Notes | None = None,
    ) -> None:
        self._now = now
        self._tell = tell or _log
        self._notes = notes or Notes(AuditKind.ROUTER)
        self._since_at = now()
        self._counts: dict[tuple[str, ...], int] = {}
        self._left_out = 0

    def told(self, who: Party, peer: str, action: str, reason: str, target: str = "") -> None:
        """Report a refusal, unless the same one was reported a moment ago.

        `target` is the address that was asked for or, of a login, the name that nobody has proven.
        """
        reason, target = reason[:_LINE_LIMIT], target[:_LINE_LIMIT]
        fields = {"person": who.authid, "role": who.role, "address": peer, "target": target}
        self._notes.add(action, AuditOutcome.REFUSED, reason=reason, **fields)
        self._line(who, peer, action, reason)

    def not_proven(self, name: str, peer: str, action: str, reason: str) -> None:
        """Report a login that was refused; nobody vouches for the name."""
        name, reason = name[:_LINE_LIMIT], reason[:_LINE_LIMIT]
        self._notes.add(action, AuditOutcome.REFUSED, address=peer, target=name, reason=reason)
        self._line(Party(name, ""), peer, action, reason)

    def _line(self, who: Party, peer: str, action: str, reason: str) -> None:
        key = who.authid, who.role, peer, action, reason
        if key in self._counts:
            self._counts[key] += 1
        elif len(self._counts) >= MOST_REPORTS:
            self._left_out += 1
        else:
            self._counts[key] = 0
            name = who.authid or "somebody"
            self._tell(one_line(f"refused {name} from {peer}: {reason}"[:_LINE_LIMIT]))

    def asked(self, who: Party, peer: str, action: str, target: str, reason: str | None) -> None:
        """Report a request to an operation of an agent that does not report it itself."""
        action, target = action[:_LINE_LIMIT], target[:_LINE_LIMIT]
        outcome = AuditOutcome.DONE
        if reason is not None:
            outcome, reason = AuditOutcome.REFUSED, reason[:_LINE_LIMIT]
            self._line(who, peer, action, reason)
        self._notes.add(
            action,
            outcome,
            kind=AuditKind.OPERATION,
            person=who.authid,
            role=who.role,
            address=peer,
            target=target,
            reason=reason or "",
        )

    def joined(self, who: Party, peer: str) -> None:
        """Report that a person has logged in."""
        fields = {"person": who.authid, "role": who.role, "address": peer}
        self._notes.add("join", AuditOutcome.DONE, **fields)

    def fault(self, text: str) -> None:
        """Report something that is wrong with this router."""
        self._tell(one_line(text))

    def flush(self) -> None:
        """Report how often refusals were repeated, once their time is over."""
        self._notes.send()
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
