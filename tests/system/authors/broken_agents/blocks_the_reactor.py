"""Registers a function that waits as one that does not."""

import sound

if __name__ == "__main__":
    sound.main(blocking=False)
