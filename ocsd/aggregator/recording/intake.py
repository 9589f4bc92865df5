"""What waits for the recording thread: bounded, in order, and with its age."""

import time
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeAlias

from ocsd.aggregator.recording.recorder import Recorder

# So much may wait in memory; what comes then is left out.
MOST_BYTES: Final = 128 * 2**20

# What a message takes in memory, about: a Python float in a list, and all around it.
_VALUE_BYTES: Final = 32
_MESSAGE_BYTES: Final = 2000
# A message of unknown shape is refused soon, but it may be large.
_STRANGE_BYTES: Final = 2**17

Job: TypeAlias = Callable[[Recorder], None]


class Intake:
    """A queue from the reactor's thread to the recording thread.

    Parameters
    ----------
    most_bytes : int
        How much may wait.
    monotonic : callable
        Returns the monotonic time [s].
    """

    def __init__(
        self, most_bytes: int = MOST_BYTES, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._most_bytes = most_bytes
        self._monotonic = monotonic
        self._jobs: SimpleQueue[tuple[Job, int] | None] = SimpleQueue()
        self._put_at_s: deque[float] = deque()
        # Each is written by one thread only, so none needs a lock.
        self._put_bytes = 0
        self._done_bytes = 0

    @property
    def waiting(self) -> int:
        """How many jobs are not done."""
        return len(self._put_at_s)

    @property
    def size_bytes(self) -> int:
        """How much waits, about."""
        return self._put_bytes - self._done_bytes

    @property
    def full(self) -> bool:
        """True if nothing more should be put in."""
        return self.size_bytes >= self._most_bytes

    @property
    def crowded(self) -> bool:
        """True if it is more than half full."""
        return 2 * self.size_bytes > self._most_bytes

    @property
    def lag_s(self) -> float:
        """How long the oldest job has waited [s]; 0 if none waits."""
        try:
            return self._monotonic() - self._put_at_s[0]
        except IndexError:
            return 0.0

    def put(self, job: Job, size_bytes: int = 0) -> None:
        """Have a job done, even if the queue is full (reactor thread)."""
        self._put_bytes += size_bytes
        self._put_at_s.append(self._monotonic())
        self._jobs.put((job, size_bytes))

    def wake(self) -> None:
        """Have `work` return when it has done what was put in before."""
        self._jobs.put(None)

    def work(self, recorder: Recorder, seconds: float) -> None:
        """Do jobs, in order, for some time (recording thread)."""
        end_s = self._monotonic() + seconds
        while (left_s := end_s - self._monotonic()) > 0:
            try:
                item = self._jobs.get(timeout=left_s)
            except Empty:
                return
            if item is None:
                return
            self._do(*item, recorder)

    def finish(self, recorder: Recorder) -> None:
        """Do what waits at this moment (recording thread)."""
        for _ in range(self._jobs.qsize()):
            item = self._jobs.get()
            if item is not None:
                self._do(*item, recorder)

    def clear(self) -> None:
        """Forget what waits (recording thread)."""
        while not self._jobs.empty():
            item = self._jobs.get()
            if item is not None:
                self._done(item[1])

    def _do(self, job: Job, size_bytes: int, recorder: Recorder) -> None:
        try:
            do(job, recorder)
        finally:
            self._done(size_bytes)

    def _done(self, size_bytes: int) -> None:
        self._put_at_s.popleft()
        self._done_bytes += size_bytes


def do(job: Job, recorder: Recorder) -> None:
    """Do a job; a defect of ours must not end the recording, and is put on record."""
    try:
        job(recorder)
    except Exception as error:  # noqa: BLE001 # whatever it is
        recorder.refuse(None, None, f"defect of ocsd: {error!r}")


def size_of(message: Any) -> int:
    """Return about how much memory a message takes [bytes]; never raises."""
    size_bytes = _MESSAGE_BYTES
    try:
        for block in message.values():
            columns = block["data"].values()
            length = len(block["timestamps"])
            size_bytes += _VALUE_BYTES * length * (1 + len(columns))
            for values in columns:
                if length and type(values[0]) is str:
                    size_bytes += len(values[0]) * length
    except Exception:  # noqa: BLE001 # it is for the recorder to say what is wrong with it
        return _STRANGE_BYTES
    return size_bytes
