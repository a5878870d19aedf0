"""A second look at the numbers of a page, where readers see them: in the finished HTML instead of in the Markdown.

`guide.page_parser` reads the source and refuses what no expression proves. What it takes for markup, and what extensions
add, it does not see; here every digit of the article counts that is not marked as proven, code, mathematics or a name.
"""

import re

from bs4 import BeautifulSoup
from bs4.element import NavigableString

from guide.page_parser import without_names

PROVEN_OR_NO_CLAIM = ".proven, code, pre, math, script, style, svg, .headerlink, .lab-links"
_NUMBER_OF_HEADING = re.compile(r"^\s*\d+\. ")


def unproven_numbers(html: str) -> list[str]:
    """Each piece of text of a page's article that holds a digit which nothing proves.

    >>> unproven_numbers('<article>A 3×3 kernel has <i class="proven">9</i> weights, <b>12</b> at most.</article>')
    ['12']
    """
    article = BeautifulSoup(html, "html.parser").select_one("article")
    if article is None:
        return []
    for part in article.select(PROVEN_OR_NO_CLAIM):
        part.replace_with(NavigableString(" "))
    for heading in article.select("h2"):
        if heading.contents and isinstance(first := heading.contents[0], NavigableString):
            first.replace_with(NavigableString(_NUMBER_OF_HEADING.sub("", str(first))))
    article.smooth()  # a name may go across what was taken out
    texts = (" ".join(str(text).split()) for text in article.find_all(string=True) if type(text) is NavigableString)
    return [text for text in texts if re.search(r"\d", without_names(text))]
