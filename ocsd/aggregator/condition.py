"""What an operator should know about the recording, in one line."""

from collections import deque
from collections.abc import Mapping
from typing import Any, Final

REFUSED_FOR_S: Final = 300.0
DROPPED_FOR_S: Final = 300.0
LOST_FOR_S: Final = 3600.0
MOST_LAG_S: Final = 10.0


class Recent:
    """How much a count has grown lately.

    Parameters
    ----------
    memory_s : float
        For how long growth counts [s].
    """

    def __init__(self, memory_s: float) -> None:
        self.count = 0
        self._memory_s = memory_s
        self._total: int | None = None
        self._growth: deque[tuple[float, int]] = deque()

    def look(self, total: int, now_s: float) -> None:
        """Note a total; the first one is where counting begins."""
        grown = 0 if self._total is None else total - self._total
        self._total = total
        if grown > 0:
            self._growth.append((now_s, grown))
        while self._growth and self._growth[0][0] < now_s - self._memory_s:
            self._growth.popleft()
        self.count = sum(count for _, count in self._growth)


class Condition:
    """Tells what is wrong, from the figures of session.data."""

    def __init__(self) -> None:
        self._refused = Recent(REFUSED_FOR_S)
        self._dropped = Recent(DROPPED_FOR_S)
        self._lost = Recent(LOST_FOR_S)

    def look(self, data: Mapping[str, Any], now_s: float) -> None:
        """Note the figures; call it about once a second.

        Parameters
        ----------
        data : mapping
            The session's data.
        now_s : float
            Monotonic time [s].
        """
        self._refused.look(sum(data["refused"].values()), now_s)
        self._dropped.look(sum(data["dropped"].values()), now_s)
        self._lost.look(sum(data["lost"].values()), now_s)

    def reason(self, data: Mapping[str, Any]) -> str:
        """Return what is wrong; empty if all is well."""
        found = [data["trouble"]]
        if data["lag_s"] > MOST_LAG_S:
            found.append(
                f"{data['lag_s']:.0f} s behind: {data['waiting']} messages wait to be recorded"
            )
        if self._lost.count:
            found.append(
                f"{self._lost.count} messages lost in the last hour "
                f"({_names(data['lost'])}); see `ocsd data gaps`"
            )
        if self._refused.count:
            sender = next(reversed(data["refused_because"]), "")
            found.append(
                f"{self._refused.count} refused in the last 5 minutes, e.g. of {sender}: "
                f"{data['refused_because'].get(sender, '')}"
            )
        if self._dropped.count:
            found.append(
                f"{self._dropped.count} without a number dropped in the last 5 minutes "
                f"({_names(data['dropped'])})"
            )
        return "; ".join(filter(None, found))


def _names(counts: Mapping[str, int]) -> str:
    """Return the names with the highest counts."""
    names = sorted(counts, key=lambda name: -counts[name])
    return ", ".join(names[:3]) + (" and others" if len(names) > 3 else "")
