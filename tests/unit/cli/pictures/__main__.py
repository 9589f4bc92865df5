"""Draw all pictures again: `python -m tests.unit.cli.pictures`."""

from pathlib import Path

from tests.unit.cli.pictures.draw import KINDS, album, drawn

for name, kind in KINDS.items():
    if name != "colour":
        Path(__file__).with_name(f"{name}.txt").write_text(album(drawn(kind)))
