"""The reactor and the threads beside it.

`threads` calls from a thread into the reactor and back, `ticker` repeats a call, `lookout`
repeats small checks in one thread, `time_limit` limits the wait for a Deferred. This package
imports nothing else of ocsd, and ``twisted.internet.reactor`` only inside functions: the fork
server preloads it, and an epoll descriptor must not cross a fork. Begin with `threads`.
"""
