"""Its process says that it will stop and does not."""

import sound


class IgnoresStop(sound.Thermometer):
    def acquire(self, session):
        while True:
            self.publish(session, 4.2)
            self.stopped.wait(0.2)

    def stop_acq(self, session, params):
        return True, "Requested acquisition to end."


if __name__ == "__main__":
    sound.main(IgnoresStop)
