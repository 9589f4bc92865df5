"""Puts into its session data what JSON cannot hold."""

import sound


class StoresInfinity(sound.Thermometer):
    def publish(self, session, kelvin):
        session.data = {"resistance": float("inf")}
        super().publish(session, kelvin)
        session.data = {"resistance": float("inf")}


if __name__ == "__main__":
    sound.main(StoresInfinity)
