"""Commands that talk to agents through the router: their operations and feeds."""
