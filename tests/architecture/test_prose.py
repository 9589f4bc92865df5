import pytest

from tests.architecture.measures import prose
from tests.architecture.planted import source

_EVERYWHERE = '''
"""What the module is."""

LIMIT_S = 5
"""So long it lasts."""

class Part:
    """Who does it."""

    size: int = 3
    """How large it is."""

    async def work(self):
        """
        That is done.
        """
'''


def test_openings_are_found_in_every_kind_of_docstring():
    found = prose.openings([source(_EVERYWHERE)])
    assert [place.line for place in found] == [1, 4, 7, 10, 13]
    assert found[1].text == "So long it lasts."


@pytest.mark.parametrize("text", ["`What` it is.", "WHO?", "Whoever", "- so", "How's it."])
def test_an_opening_is_found_in_every_spelling(text):
    assert prose.openings([source(f'"""{text}"""')])


@pytest.mark.parametrize("text", ["Whatever is.", "Sort them.", "Howl.", "Say what it is.", "..."])
def test_other_openings_are_left_alone(text):
    assert not prose.openings([source(f'"""{text}"""')])


def test_a_string_that_is_no_docstring_is_no_prose():
    assert not prose.prose(source("x = 'What is it'\nf('Who is it')\n"))


def test_comments_that_follow_one_another_are_one_text():
    found = source("# One thought\n# on two lines.\nx = 1  # Another.\n\n\n# The third.\n")
    assert list(prose.comments(found)) == [
        (1, " One thought\n on two lines.\n Another."),
        (6, " The third."),
    ]


def test_directives_for_tools_are_no_comments():
    assert not list(prose.comments(source("x = 1  # noqa: F401\ny = 2  # type: ignore[x]\n")))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("somebody, nobody", "# Nobody reads it."),
        ("is no X", "# A name that is no number."),
        ("tells, told", "# The message tells why."),
        ("causal for", "# Closed last, for the pipe is full."),
        ("causal for", "# Closed last, for it is full."),
        ("so many, so long, so often", "# Kept for so long."),
        ("anew", "# It is read anew."),
        ("bare who", "# Given to who asks for it."),
        ("bare who", "# Whoever waits is let in."),
        ("look, tell, note, know", "# Look whether it is there."),
    ],
)
def test_each_word_of_the_dialect_is_found(name, text):
    found = prose.dialect([source(f"x = 1\n\n{text}\n")])
    assert [place.line for place in found[name]] == [3]
    assert sum(map(len, found.values())) == 1


@pytest.mark.parametrize(
    "text",
    [
        "There is no router.",
        "It is no longer needed.",
        "The names, for example those of files.",
        "The feed, for the messages.",
        "As so many as there are: so many as fit.",
        "The user who asked for it.",
        "Return what others look for.",
    ],
)
def test_ordinary_words_are_no_dialect(text):
    found = prose.dialect([source(f'"""{text}"""\n')])
    assert not [place for places in found.values() for place in places]


def test_a_word_in_a_long_docstring_is_found_on_its_line():
    found = prose.dialect([source('"""Begin.\n\nAll is read\nanew here.\n"""\n')])
    assert [str(place) for place in found["anew"]] == [
        "ocsd/part.py:4: [anew] Begin. All is read anew"
    ]
