"""The people at the page of a closed site: logins, sessions, limits and roles.

`doors` decides about each request, `sessions` keeps the logins over restarts, `attempts` is the
limit of tries, `people` checks passwords. On an open site nothing here is used but `viewer`.
Begin with `doors`.
"""
