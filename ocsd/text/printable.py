"""Text of agents and programs without characters that could steer a terminal."""


def printable(text: str, keep: str = "") -> str:
    """Return `text` with a question mark for each control character that is not in `keep`."""
    return "".join(c if c.isprintable() or c in keep else "?" for c in text)


def one_line(text: str) -> str:
    """Return `text` on one line, with a blank for any number of blanks and control characters."""
    if not text.isprintable():
        text = "".join(c if c.isprintable() else " " for c in text)
    return " ".join(text.split())
