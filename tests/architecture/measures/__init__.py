"""One file for each kind of measure; all are pure functions of parsed files."""
