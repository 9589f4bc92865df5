"""Commands that only read: the state of the host, its logs and its data."""
