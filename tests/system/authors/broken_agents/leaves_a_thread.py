"""Starts a thread that never ends."""

import threading

import sound


class LeavesAThread(sound.Thermometer):
    def __init__(self, agent, port):
        super().__init__(agent, port)
        threading.Thread(target=threading.Event().wait, name="watcher").start()


if __name__ == "__main__":
    sound.main(LeavesAThread)
