"""The checker of a built site: what `mkdocs build --strict` does not see, such as labs, raw HTML, addresses and numbers.

With this module, one can find everything that is wrong in a folder of HTML pages (`check_site`): links, anchors, images
and scripts that lead nowhere, anything that would ask another host, and pages without a title, a description, one h1 or
a language.
"""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from guide.cache import keep, place
from guide.rendered_numbers import unproven_numbers

FETCHED = {
    "img": ("src", "srcset"),
    "script": ("src",),
    "source": ("src", "srcset"),
    "video": ("src", "poster"),
    "audio": ("src",),
    "track": ("src",),
    "iframe": ("src",),
    "embed": ("src",),
    "object": ("data",),
    "input": ("src", "formaction"),
    "button": ("formaction",),
    "use": ("href", "xlink:href"),
    "image": ("href", "xlink:href"),
    "form": ("action",),
    "a": ("ping",),
    "link": ("imagesrcset",),
}
"""Attributes whose address the browser fetches by itself (or, for a form, when it is sent)."""

NAMING_LINKS = {"canonical", "license", "author", "me"}
"""Kinds of <link> that name an address and fetch nothing; every other kind is taken to fetch."""

NUMBERS_OF_THEIR_OWN = ("examples/", "embed/", "reference/api/", "reference/verified_numbers/", "404.html")
"""Pages whose numbers are proven otherwise: printed by a lab, tested as docstrings, or copies of proven ones."""

POLICY = "Content-Security-Policy"
ALLOWED_SOURCES = {"'self'", "'none'", "'unsafe-inline'", "'wasm-unsafe-eval'", "data:", "blob:"}
_CSS_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_CSS_ADDRESS = re.compile(
    r"""url\(\s*(?:"(?P<a>[^"]*)"|'(?P<b>[^']*)'|(?P<c>[^'")\s]+))|@import\s*["'](?P<d>[^"']+)"""
    r"""|image-set\(\s*["'](?P<e>[^"']+)""",
    re.IGNORECASE,
)
_IMPORT = re.compile(
    r"""(?:^|[;}\s])(?:import\b\s*(?:[^"';()=]*?\bfrom\s*)?|export\b[^"';()=]*?\bfrom\s*|import\(\s*)["'](?P<address>[^"']+)["']"""
)

_FROM_HERE = re.compile(r"""\bnew\s+URL\(\s*["'](?P<address>[^"']+)["']\s*,\s*import\.meta\.url""")
_SCRIPT_PART = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'|`(?:\\.|[^`\\])*`"""
    r"""|[(,=:\[!&|?{};]\s*/(?![*/])(?:\\.|\[(?:\\.|[^\]\\\n])*\]|[^/\\\n\[])+/""",
    re.DOTALL,
)
"""A comment, or what may look as if it held one: a string, a template, a regular expression."""

_CANDIDATE = re.compile(r"[\s,]*(?P<address>\S*[^\s,])(?:,+|\s+(?:\([^)]*\)|[^,(])*(?:,|$)|\s*$)")
"""One image of a `srcset`: its address ends at a blank, or at a comma before a blank or the end; then what it is for."""


@dataclass
class _Page:
    """What the checker has to know of one HTML page."""

    language: str = ""
    title: str = ""
    description: str = ""
    policy: str | None = None
    fetched_before_policy: bool = False
    base: str | None = None
    refresh: str | None = None
    has_srcdoc: bool = False
    headings: int = 0
    ids: Counter[str] = field(default_factory=Counter)
    followed: list[str] = field(default_factory=list)
    fetched: list[str] = field(default_factory=list)
    images_without_alt: list[str] = field(default_factory=list)
    unread_blocks: list[str] = field(default_factory=list)


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = _Page()
        self._inside: list[str] = []
        self._begins_paragraph = False

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        values = {name: value or "" for name, value in attributes}
        page = self.page
        self._begins_paragraph = tag == "p"
        page.ids.update({values["id"]} if "id" in values else ())
        if tag == "a" and "name" in values and values["name"] != values.get("id"):
            page.ids[values["name"]] += 1
        if tag == "html":
            page.language = values.get("lang", "")
        elif tag == "meta" and values.get("name") == "description":
            page.description = values.get("content", "")
        elif tag == "meta" and values.get("http-equiv", "").lower() == POLICY.lower():
            page.policy, page.fetched_before_policy = values.get("content", ""), bool(page.fetched)
        elif tag == "meta" and values.get("http-equiv", "").lower() == "refresh":
            page.refresh = values.get("content", "")
        elif tag == "base":
            page.base = values.get("href", "")
        elif tag in ("a", "area") and "href" in values:
            page.followed.append(values["href"])
        elif tag == "link" and "href" in values and not NAMING_LINKS & set(values.get("rel", "").lower().split()):
            page.fetched.append(values["href"])
        elif tag == "h1":
            page.headings += 1
        if tag == "img" and not values.get("alt", "").strip():
            page.images_without_alt.append(values.get("src", "without src")[:80])
        for attribute in FETCHED.get(tag, ()):
            if attribute in values:
                page.fetched += _addresses_in(attribute, values[attribute])
        page.has_srcdoc |= "srcdoc" in values
        page.fetched += _addresses_in_css(values.get("style", ""))
        if tag in ("title", "style", "svg"):  # a drawing may have a title of its own
            self._inside.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._inside and self._inside[-1] == tag:
            self._inside.pop()

    def handle_data(self, data: str) -> None:
        if self._begins_paragraph and data.startswith("///"):
            self.page.unread_blocks.append(data.splitlines()[0][:80])
        self._begins_paragraph = False
        if self._inside == ["title"]:
            self.page.title += data
        elif self._inside[-1:] == ["style"]:
            self.page.fetched += _addresses_in_css(data)


def _addresses_in(attribute: str, value: str) -> list[str]:
    if attribute in ("srcset", "imagesrcset"):
        return [match["address"].rstrip(",") for match in _CANDIDATE.finditer(value)]
    return [value]


def _addresses_in_css(css: str) -> list[str]:
    return [next(filter(None, match.groups()), "") for match in _CSS_ADDRESS.finditer(_CSS_COMMENT.sub("", css))]


def _modules_in(script: str) -> list[str]:
    """What a module imports, and what it names from where it is itself: workers and data."""
    code = _SCRIPT_PART.sub(lambda part: " " if part["comment"] else part[0], script)
    return [match["address"] for pattern in (_IMPORT, _FROM_HERE) for match in pattern.finditer(code)]


def _problem_with_policy(policy: str | None) -> str | None:
    """A policy keeps a page from asking other hosts if it has a default, and names no source but the site itself."""
    if policy is None:
        return f"the page has no {POLICY} that keeps it from asking other hosts"
    directives = [directive.split() for directive in policy.split(";") if directive.strip()]
    if not any(name == "default-src" for name, *_ in directives):
        return f"the {POLICY} has no default-src"
    for name, *sources in directives:
        if foreign := set(sources) - ALLOWED_SOURCES:
            return f"the {POLICY} lets {name} reach {', '.join(sorted(foreign))}"
    return None


def check_site(site: Path, base: str = "/") -> list[str]:
    """Everything that is wrong with a built site, one sentence each; `base` is the path it will be served under."""
    return [f"{file.relative_to(site).as_posix()}: {problem}" for file, problem in _Checker(site, base).problems()]


def check_again(site: Path, base: str, root: Path) -> list[str]:
    """As `check_site`, unless a site of the same bytes was checked before: its problems are kept in the cache."""
    digest = hashlib.sha256(Path(__file__).read_bytes() + base.encode())
    for file in sorted(file for file in site.rglob("*") if file.is_file()):
        content = file.read_bytes() if file.suffix in (".html", ".css", ".js") else b""
        digest.update(f"\n{file.relative_to(site)} ".encode() + hashlib.sha256(content).digest())
    kept = place(root, "checks", "site", digest.hexdigest(), ".json")
    if kept.is_file():
        known: list[str] = json.loads(kept.read_text("utf-8"))
        return known
    problems = check_site(site, base)
    keep(kept, json.dumps(problems))
    return problems


class _Checker:
    def __init__(self, site: Path, base: str) -> None:
        self.site = site.resolve()
        self.base = "/" + base.strip("/") + "/" if base.strip("/") else "/"
        self.read = cache(self._read)

    def problems(self) -> Iterator[tuple[Path, str]]:
        pages = sorted(self.site.rglob("*.html"))
        if not pages:
            yield self.site, "there is no HTML page; build the site first"
        for file in pages:
            yield from ((file, problem) for problem in self._problems_of_page(file))
        for file in sorted(self.site.rglob("*.css")):
            for address in _addresses_in_css(file.read_text("utf-8", errors="replace")):
                if problem := self._problem_with(file, address, fetched=True):
                    yield file, problem
        for file in sorted(self.site.rglob("*.js")):
            if file.is_relative_to(self.site / "assets"):
                continue  # the theme's bundles are not modules; their words look like imports
            for address in _modules_in(file.read_text("utf-8", errors="replace")):
                if problem := self._problem_with(file, address, fetched=True):
                    yield file, problem

    def _problems_of_page(self, file: Path) -> Iterator[str]:
        page = self.read(file)
        if not page.language:
            yield "the page does not say its language"
        if not page.title.strip():
            yield "the page has no title"
        if not page.description.strip():
            yield "the page has no description"
        if page.headings != 1:
            yield f"the page has {page.headings} h1 headings; it needs exactly one"
        if problem := _problem_with_policy(page.policy):
            yield problem
        elif page.fetched_before_policy:
            yield f"the page fetches something before its {POLICY}"
        if page.base is not None:
            yield f"the page has a base, {page.base}, which moves every link on it"
        if page.refresh is not None:
            yield f"the page redirects to {page.refresh}"
        if page.has_srcdoc:
            yield "the page holds another page in srcdoc, which nobody checks"
        for image in page.images_without_alt:
            yield f"the image {image} has no alt text"
        for block in page.unread_blocks:
            yield f"the block {block!r} was not read: its name, or an option below it, is not what it takes"
        for anchor, count in page.ids.items():
            if count > 1:
                yield f"the id {anchor!r} is there {count} times"
        if not file.relative_to(self.site).as_posix().startswith(NUMBERS_OF_THEIR_OWN):
            for text in unproven_numbers(file.read_text("utf-8")):
                yield f"the text {text[:60]!r} shows a number that nothing proves"
        for address in page.followed:
            if problem := self._problem_with(file, address, fetched=False):
                yield problem
        for address in page.fetched:
            if problem := self._problem_with(file, address, fetched=True):
                yield problem

    def _read(self, file: Path) -> _Page:
        reader = _Reader()
        reader.feed(file.read_text("utf-8"))
        return reader.page

    def _problem_with(self, file: Path, address: str, fetched: bool) -> str | None:
        address = address.strip()
        try:
            parts = urlsplit(address)
        except ValueError as error:
            return f"{address} is not an address: {error}"
        if parts.scheme in ("data", "blob", "about"):
            return None
        if parts.scheme or parts.netloc:
            return f"{address} is asked from another host" if fetched else None
        if not address:
            return "an empty address" if fetched else None
        target = self._target(file, unquote(parts.path))
        if target is None:
            return f"{address} leads out of the site, which is served under {self.base}"
        if not target.is_file():
            return f"{address} leads nowhere"
        if parts.fragment and target.suffix == ".html":
            anchor = unquote(parts.fragment)
            if not anchor.startswith(":~:") and anchor not in self.read(target).ids:
                return f"{address} leads to a page without the anchor #{anchor}"
        return None

    def _target(self, file: Path, path: str) -> Path | None:
        if not path:
            return file
        if path.startswith("/"):
            if not f"{path}/".startswith(self.base):
                return None
            target = self.site / path[len(self.base) :]
        else:
            target = file.parent / path
        target = target.resolve()
        if not target.is_relative_to(self.site):
            return None
        return target / "index.html" if target.is_dir() else target
