"""Fixes for the theme's known faults, in the finished page where overriding its templates would mean copying them."""

import re

TRACEBACK = re.compile(
    r'<span class="gt">Traceback \(most recent call last\):</span>.*?(?=\n<span class="gp">|\n?</code>)', re.DOTALL
)
"""An error shown in a session. Pygments colours its words one by one; the copy button must leave it out as a whole."""


def patch_html(html: str) -> str:
    """Give the search dialog a name, and keep the repository's badge from asking its host for counts."""
    html = re.sub(
        r'(<div class="md-search" data-md-component="search" role="dialog")(?=>)', r'\1 aria-label="Search"', html
    )
    html = TRACEBACK.sub(lambda match: f'<span class="gt">{re.sub("<[^>]+>", "", match[0])}</span>', html)
    # Material fetches stars and forks for elements marked as this component; the link itself does not need it.
    return re.sub(r'(<a [^>]*?class="md-source"[^>]*?) data-md-component="source"', r"\1", html)
