"""The guard of a router: who may join it, and who may do what, decided in crossbar's own process.

`facts` is what the daemon tells it, `attempts`, `door`, `forwarding` and `verdicts` are its
decisions, free of crossbar; `book` keeps the people and URLs as they are now in the files;
`sessions`, `pages` and `ports` change crossbar so that the decisions are asked. Begin with `door`.
"""
