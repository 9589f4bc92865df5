"""Small sources with planted defects, for the tests of the measures."""

from textwrap import dedent

from tests.architecture.measures.source import Source


def source(text: str, name: str = "ocsd.part", path: str = "") -> Source:
    """Return a file with a text, indented as in the test."""
    return Source(path or f"{name.replace('.', '/')}.py", dedent(text).lstrip("\n"), name)


def sources(**texts: str) -> list[Source]:
    """Return one file of ocsd for each argument."""
    return [source(text, f"ocsd.{name}") for name, text in texts.items()]
