"""For agent authors: feeds and the blocks of samples that go into them."""

from ocsd.agent.block import Block
from ocsd.agent.feed import Feed

__all__ = ["Block", "Feed"]
