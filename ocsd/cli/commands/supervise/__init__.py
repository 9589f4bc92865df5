"""Commands that change what runs: `start`, `stop`, `up`, `down` and their kin."""
