"""Recorded data: fields, windows, and files for other programs."""

import time
from typing import Any, Final

from ocsd.errors import UsageError
from ocsd.reactor.threads import the_reactor
from ocsd.web.api.logs import check_span
from ocsd.web.refusals import MissingError
from ocsd.web.server.plain import dumps_in_parts
from ocsd.web.server.route import Call
from ocsd.web.server.seats import Seats
from ocsd.web.settings import PageSettings
from ocsd.web.sources.export import Export, check_room
from ocsd.web.sources.samples import Samples, SamplesThread

MOST_EXPORTS: Final = 2
"""Exports at the same time; each is a process of its own."""


class DataEndpoints:
    """Answers `fields`, `window` and `export`, each by its thread: some take minutes."""

    def __init__(
        self,
        settings: PageSettings,
        names: SamplesThread,
        windows: SamplesThread,
        exports: SamplesThread,
    ) -> None:
        self._folder = settings.data_dir
        self._names = names
        self._windows = windows
        self._sizes = exports
        self._exports = Seats(MOST_EXPORTS, "exports")
        self._under_way: set[Export] = set()

    async def fields(self, call: Call) -> Any:
        """Return the recorded fields."""
        search, limit = call.params["search"], call.params["limit"]
        one_each = bool(call.params["each"])
        return await self._names.do(
            lambda samples: samples.fields(search, limit, one_each=one_each)
        )

    async def window(self, call: Call) -> Any:
        """Return fields over a time."""
        since_at, until_at = _span(call)
        names, columns = call.params["field"], call.params["columns"]

        def read(samples: Samples) -> bytes:
            found = samples.window(names, since_at, until_at, columns)
            return dumps_in_parts(found) + b"\n"

        return await self._windows.do(read)

    async def export(self, call: Call) -> None:
        """Write samples as a file."""
        since_at, until_at = _span(call)
        if self._folder is None:
            raise MissingError("this host has no aggregator, so nothing is recorded here")
        names = call.params["field"]
        # Refused in words before anything is written. The last minutes do not count.
        found = await self._sizes.do(
            lambda samples: samples.window(names, since_at, until_at, columns=1)
        )
        check_room(sum(sum(one["n"]) + sum(one["n_nan"]) for one in found["fields"].values()))
        self._exports.take("export")
        export = Export(call.request, self._folder, names, (since_at, until_at))
        self._under_way.add(export)
        try:
            await export.start(the_reactor(), call.params["format"])
        finally:
            self._under_way.discard(export)
            self._exports.leave("export")

    def end(self) -> None:
        """End the exports: this process ends."""
        for export in self._under_way:
            export.end()


def _span(call: Call) -> tuple[float, float]:
    until_at = call.params["until"]
    if until_at is None:
        until_at = time.time()
    since_at = call.params["since"]
    if since_at is None:
        raise UsageError("the parameter since is missing: the beginning of the time [Unix s]")
    return check_span(since_at, until_at)
