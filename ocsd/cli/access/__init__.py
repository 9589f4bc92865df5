"""Commands of `ocsd access`: finding the keys, asking for passwords, judging what is wrong.

`place` finds the keys, `findings` judges them. Begin with `place`.
"""
