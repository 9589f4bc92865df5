"""Does not say what its task does."""

import sound

from ocsd import ocs_agent


class IsSilent(sound.Thermometer):
    @ocs_agent.param("_")
    def identify(self, session, params):
        return True, "A thermometer."


if __name__ == "__main__":
    sound.main(IsSilent)
