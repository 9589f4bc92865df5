"""Commands that prepare a machine or a shell, or check a site file."""
