"""Takes its lock for every acquisition and never gives it back."""

import sound

from ocsd import ocs_agent


class KeepsItsLock(sound.Thermometer):
    @ocs_agent.param("_")
    def acq(self, session, params):
        """**Process** - Publish the temperature five times a second."""
        if not self.lock.acquire(timeout=0, job="acq"):
            return False, f"{self.lock.job} holds the thermometer."
        return self.acquire(session)


if __name__ == "__main__":
    sound.main(KeepsItsLock)
