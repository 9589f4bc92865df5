"""What runs inside a client's program: calls to agents, each with a time limit."""
