"""Publishes a field whose name has a space in it."""

import time

import sound


class MisnamesAField(sound.Thermometer):
    def publish(self, session, kelvin):
        sample = {"block_name": "T", "timestamp": time.time(), "data": {"T [K]": kelvin}}
        self.agent.publish_to_feed("temperatures", sample)


if __name__ == "__main__":
    sound.main(MisnamesAField)
