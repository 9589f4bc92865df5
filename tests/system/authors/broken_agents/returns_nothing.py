"""Its task returns None."""

import sound

from ocsd import ocs_agent


class ReturnsNothing(sound.Thermometer):
    @ocs_agent.param("_")
    def identify(self, session, params):
        """**Task** - Say who this is."""
        session.add_message("A thermometer.")


if __name__ == "__main__":
    sound.main(ReturnsNothing)
