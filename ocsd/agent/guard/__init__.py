"""The decision about a client's request to an operation: who asks, and with which password.

`guard` decides; `passwords` and `directed` are loaded only where the agent has such a policy.
Begin with `guard`.
"""
