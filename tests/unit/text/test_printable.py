"""Text of others cannot steer a terminal."""

from ocsd.text.printable import one_line, printable


def test_control_characters_are_replaced():
    assert printable("a\x1b[31mb\nc\td") == "a?[31mb?c?d"
    assert printable("a\x1bb\nc\td", keep="\n\t") == "a?b\nc\td"
    assert printable("é °") == "é °"


def test_text_is_put_on_one_line():
    assert one_line(" a\n\tb\x1b  c ") == "a b c"
