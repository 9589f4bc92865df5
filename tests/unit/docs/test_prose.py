"""Sentences of the documentation are short."""

from statistics import median

import pytest

from tests.unit.docs.prose import PAGES, ROOT, sentences

MOST_WORDS = 18
"""Median of the words of a sentence, of each page."""


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_half_of_the_sentences_of_a_page_are_short(page):
    lengths = [len(each.split()) for each in sentences(page.read_text())]
    assert not lengths or median(lengths) <= MOST_WORDS


def test_code_tables_headings_and_pictures_are_no_sentences():
    text = """\
# A heading

The first `piece of code`, and [a link](x.md). The second one: short.

| a table | with cells |
|---|---|

    code in an example

```
and in a fence
```

1. A step is done
   on two lines.
2. Another one is done.

![A picture](a.png)
"""
    assert sentences(text) == [
        "The first Code0, and a link.",
        "The second one: short.",
        "A step is done on two lines.",
        "Another one is done.",
    ]
