"""Opens its device before it runs, so it dies where there is none."""

import serial
import sound


class NeedsItsDevice(sound.Thermometer):
    def __init__(self, agent, port):
        super().__init__(agent, port)
        self.port = serial.Serial(port, timeout=0.5)


if __name__ == "__main__":
    sound.main(NeedsItsDevice)
