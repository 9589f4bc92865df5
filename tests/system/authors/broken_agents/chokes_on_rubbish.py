"""Takes whatever its device says for a number."""

import sound


class ChokesOnRubbish(sound.Thermometer):
    def read(self):
        try:
            return super().read()
        except ValueError as error:
            raise RuntimeError("this was no number") from error


if __name__ == "__main__":
    sound.main(ChokesOnRubbish)
