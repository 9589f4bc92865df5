"""`python -m benchmarks.looking`: the history part; `benchmarks.looking.live` is the other one."""

from benchmarks.looking.history import main

if __name__ == "__main__":
    main()
