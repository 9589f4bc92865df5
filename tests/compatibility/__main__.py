"""``python -m tests.compatibility``: what becomes of every agent class that other packages publish.

Run it with a Python that has ocsd, the published OCS and the packages in
question; it installs nothing. ``make compatibility`` makes such a Python. It
takes some six minutes on two cores.
"""

import argparse
import sys
from pathlib import Path

from tests.compatibility.acquire import acquisition
from tests.compatibility.classes import package_versions, published_classes, without_devices
from tests.compatibility.document import page
from tests.compatibility.examine import under_ocsd, under_published
from tests.compatibility.fleet import Fleet, running, scratch


def main() -> int:
    """Examine the classes and print or write the page; return 1 if one does not acquire."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m tests.compatibility")
    parser.add_argument("classes", nargs="*", help="only these classes")
    parser.add_argument("--write", type=Path, help="write the page into this file")
    arguments = parser.parse_args()
    classes = published_classes(tuple(arguments.classes))
    _say(f"{len(classes)} classes of {package_versions(classes)}, without devices, under ocsd")
    with scratch() as folder, without_devices(classes, folder) as wanted:
        fleet = Fleet(folder)
        fleet.write(wanted)
        with running(fleet):
            ours = under_ocsd(fleet, wanted)
        _say("the same under the published OCS")
        fleet = Fleet(folder)
        fleet.write((), others=wanted)
        ended = [name for name, outcome in ours.items() if outcome.ended]
        with running(fleet):
            theirs = under_published(fleet, wanted, ended)
    _say("with simulated devices, under ocsd")
    with scratch() as folder:
        acquired = acquisition(classes, folder)
    text = page(classes, ours, theirs, acquired)
    if arguments.write:
        arguments.write.write_text(text)
    else:
        print(text)
    return 0 if all(each.ok for each in acquired.values()) else 1


def _say(text: str) -> None:
    print(f"compatibility: {text}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
