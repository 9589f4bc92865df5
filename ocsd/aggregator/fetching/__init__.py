"""Fetching missing messages from the spools of agents.

`plan` decides which agent is asked for which messages, `ask` makes the calls, `answers`
reads the replies, `unanswered` explains a call that failed. The room imports `recording` and
the rooms below it. Begin with `plan`.
"""
