"""One attempt to deliver a message, in a process of its own: ``python -m ocsd.evaluator.attempt``.

Its argument is the file of the attempt (`ocsd.evaluator.attempts`), whose lock it has inherited
and holds to its end. It writes down that it begins to send, and then the result.
"""

import json
import signal
import sys
from pathlib import Path
from typing import Any, Final

ATTEMPT_LIMIT_S: Final = 30


class _LateError(Exception):
    pass


def main() -> None:
    """Make the attempt that the command line names."""
    path = Path(sys.argv[1])
    job = json.loads(path.read_bytes())
    _write(path.with_name(f"{path.name}.begun"), {})
    signal.signal(signal.SIGALRM, _late)
    signal.alarm(ATTEMPT_LIMIT_S)
    try:
        from ocsd.evaluator import senders

        result = senders.sent(job)
    except _LateError:
        result = {"reason": f"no end after {ATTEMPT_LIMIT_S} s", "perhaps": True}
    except Exception as error:  # noqa: BLE001 - whatever fails, the evaluator is told
        # Its words may have a secret in them.
        result = {"reason": f"the attempt failed unexpectedly: {type(error).__name__}"}
    signal.alarm(0)
    _write(path.with_name(f"{path.name}.result"), result)


def _write(path: Path, value: dict[str, Any]) -> None:
    unfinished = path.with_name(f"{path.name}.new")
    unfinished.write_text(json.dumps(value))
    unfinished.replace(path)


def _late(_number: int, _frame: object) -> None:
    raise _LateError


if __name__ == "__main__":
    main()
