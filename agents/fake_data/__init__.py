"""Data from no device at all, for trying things out."""
