"""For agent authors: feeds and the blocks of samples that go into them."""

from ocsd.agent.feeds.block import Block
from ocsd.agent.feeds.feed import Feed

__all__ = ["Block", "Feed"]
