"""What the interactive figures cost a reader: frames per second while dragging, bytes of JavaScript. Part of `make bench`.

Frames are counted in headless Chromium: the time between two of them, while the pointer is dragged over a picture of
512x512, and while the kernel changes with every frame.
"""

import argparse
import gzip
import io
import statistics
import sys
from pathlib import Path

import numpy as np
from PIL import Image
from playwright.sync_api import Browser, FilePayload, Page, Response, sync_playwright

from tests.conftest import CHROMIUM_FLAGS, ROOT, find_browser, serve

TABLE = ROOT / "docs" / "reference" / "browser.txt"
CHAPTERS = ("channels", "kernel_size", "size_chain", "initialization", "training")
FRAMES = 120
SLOWEST = 1000 / 60 * 1.1  # milliseconds for a frame, with a tenth for the clock
MOST_JAVASCRIPT = 60_000  # bytes of our own that travel with any chapter, compressed

COUNT_FRAMES = """(frames) => new Promise((resolve) => {
    const times = [];
    const count = (now) => {
        times.push(now);
        globalThis.eachFrame?.(times.length);
        if (times.length <= frames) requestAnimationFrame(count);
        else resolve(times.slice(1).map((time, i) => time - times[i]));
    };
    requestAnimationFrame(count);
})"""

DRAG = """() => {
    const canvas = document.querySelector("canvas");
    const box = canvas.getBoundingClientRect();
    globalThis.eachFrame = (frame) => canvas.dispatchEvent(new PointerEvent("pointermove", {
        pointerType: "mouse", bubbles: true,
        clientX: box.left + box.width * (0.5 + 0.4 * Math.cos(frame / 9)),
        clientY: box.top + box.height * (0.5 + 0.4 * Math.sin(frame / 7)),
    }));
}"""

CHANGE_THE_KERNEL = """() => {
    const widget = document.querySelector(".widget");
    const { height, width, data } = widget.state.kernel;
    globalThis.eachFrame = (frame) => widget.set({ kernel: { height, width, data: data.with(4, Math.sin(frame / 10)) } });
}"""


def photo(side: int) -> bytes:
    file = io.BytesIO()
    noise = np.random.default_rng(0).integers(0, 256, (side, side, 3), np.uint8)
    Image.fromarray(noise).save(file, "PNG")
    return file.getvalue()


def frame_times(tab: Page, address: str, each_frame: str) -> tuple[float, float]:
    """Median and 95th percentile of the time between frames, in milliseconds."""
    tab.goto(f"{address}embed/kernel-explorer/")
    tab.locator(".widget[data-ready]").wait_for()
    picture: FilePayload = {"name": "photo.png", "mimeType": "image/png", "buffer": photo(512)}
    tab.locator("input[type=file]").set_input_files(picture)
    tab.locator("canvas[width='512']").first.wait_for()
    tab.evaluate(each_frame)
    times = tab.evaluate(COUNT_FRAMES, FRAMES)
    return statistics.median(times), statistics.quantiles(times, n=20)[-1]


def javascript(browser: Browser, address: str, chapter: str) -> tuple[int, int]:
    """Compressed bytes of the guide's own scripts on a chapter, and of the theme's, at a first visit."""
    context = browser.new_context()
    tab = context.new_page()
    asked: list[Response] = []

    def note(response: Response) -> None:
        if response.url.endswith(".js"):
            asked.append(response)

    tab.on("response", note)
    tab.goto(f"{address}chapters/{chapter}/")
    tab.wait_for_timeout(1500)
    sizes = {response.url: len(gzip.compress(response.body())) for response in asked}
    context.close()
    own = sum(size for url, size in sizes.items() if url.startswith(f"{address}javascripts/"))
    return own, sum(sizes.values()) - own


def table(address: str, browser: Browser) -> tuple[str, list[str]]:
    lines, problems = [f"{'kernel explorer on a picture of 512x512':44} {'median':>9} {'slowest 5%':>11}"], []
    for name, each_frame in (("dragging", DRAG), ("another 3x3 kernel every frame", CHANGE_THE_KERNEL)):
        median, slow = frame_times(browser.new_page(), address, each_frame)
        lines.append(f"{name:44} {median:6.1f} ms {slow:8.1f} ms")
        if median > SLOWEST:
            problems.append(f"{name}: {median:.1f} ms a frame, at most {SLOWEST:.1f} were wanted")
    lines += ["", f"{'JavaScript, compressed':44} {'the guide':>9} {'the theme':>11}"]
    for chapter in CHAPTERS:
        own, theme = javascript(browser, address, chapter)
        lines.append(f"{chapter:44} {own / 1000:6.1f} KB {theme / 1000:8.1f} KB")
        if own > MOST_JAVASCRIPT:
            problems.append(f"{chapter}: {own} bytes of JavaScript, at most {MOST_JAVASCRIPT} were wanted")
    return "\n".join([*lines, ""]), problems


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("site", type=Path, nargs="?", default=ROOT / "site", help="a built site")
    parser.add_argument("--into", type=Path, default=TABLE)
    options = parser.parse_args()
    with serve(options.site.resolve()) as address, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_browser(), args=CHROMIUM_FLAGS)
        text, problems = table(address, browser)
        browser.close()
    options.into.write_text(text, "utf-8")
    print(text)
    print(*problems, sep="\n")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
