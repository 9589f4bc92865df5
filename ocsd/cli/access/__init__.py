"""What the commands of `ocsd access` share: where the keys are, passwords, and what is wrong.

`place` finds the keys, `findings` judges them. Begin with `place`.
"""
