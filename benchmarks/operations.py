"""Ratios to PyTorch and SciPy, side by side in one run: `make bench` writes the table of the performance page.

Each row times two ways to compute the same thing, in turns, with one thread each, and gives the median of the ratios; times
of a machine say nothing elsewhere, ratios nearly do. Before timing, the two results are compared.

The kernels that NumPy's BLAS picks change the ratios, so everything is measured with those that it picks by itself here, and
with "Haswell" (AVX2), which nearly every x86 processor has. BLAS picks when it is loaded: each set has its own process.
"""

import os

for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[variable] = "1"

import argparse
import json
import platform
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import scipy
import scipy.ndimage
import torch

import cnnguide
from cnnguide import SOBEL_X, Adam, Conv2d, Flatten, Linear, MaxPool2d, ReLU, Sequential, apply_filter, conv2d

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "docs" / "reference" / "performance.txt"
AS_DETECTED = ""
KERNELS = [AS_DETECTED, "Haswell"] if platform.machine() in ("x86_64", "AMD64") else [AS_DETECTED]
torch.set_num_threads(1)


@dataclass
class Pair:
    """Two ways to compute the same, and how many times longer ours may take."""

    name: str
    ours: Callable[[], object]
    theirs: Callable[[], object]
    limit: float
    flops: float = 0.0


def convolution(name: str, x_shape: tuple[int, ...], w_shape: tuple[int, ...], limit: float, **settings: Any) -> Pair:
    rng = np.random.default_rng(0)
    x, w = (rng.standard_normal(shape).astype(np.float32) for shape in (x_shape, w_shape))
    tx, tw = torch.tensor(x), torch.tensor(w)
    theirs = torch.nn.functional.conv2d
    out = conv2d(x, w, **settings)
    np.testing.assert_allclose(out, theirs(tx, tw, **settings).numpy(), rtol=1e-3, atol=1e-3)
    flops = 2.0 * out.size * w[0].size
    return Pair(name, lambda: conv2d(x, w, **settings), lambda: theirs(tx, tw, **settings), limit, flops)


def filtering() -> Pair:
    image = np.random.default_rng(0).standard_normal((512, 512)).astype(np.float32)
    kernel = SOBEL_X.astype(np.float32)
    theirs = scipy.ndimage.correlate
    np.testing.assert_allclose(apply_filter(image, kernel), theirs(image, kernel), atol=1e-4)
    return Pair(
        "filter 512x512, 3x3 (to SciPy)", lambda: apply_filter(image, kernel), lambda: theirs(image, kernel), 1.0
    )


def training_step() -> Pair:
    rng = np.random.default_rng(0)
    ours = Sequential(
        Conv2d(1, 8, 3, rng, padding=1), MaxPool2d(2), ReLU(), Conv2d(8, 16, 3, rng, padding=1), MaxPool2d(2), ReLU(),
        Flatten(), Linear(400, 26, rng),
    )  # fmt: skip
    nn = torch.nn
    theirs = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.MaxPool2d(2), nn.ReLU(), nn.Conv2d(8, 16, 3, padding=1), nn.MaxPool2d(2),
        nn.ReLU(), nn.Flatten(), nn.Linear(400, 26),
    )  # fmt: skip
    with torch.no_grad():
        for parameter, array in zip(theirs.parameters(), ours.parameters(), strict=True):
            parameter.copy_(torch.tensor(array))
    x, target = rng.standard_normal((32, 1, 20, 20)).astype(np.float32), rng.integers(0, 26, 32)
    tx, ttarget = torch.tensor(x), torch.tensor(target)
    np.testing.assert_allclose(ours.forward(x), theirs(tx).detach().numpy(), rtol=1e-3, atol=1e-3)
    optimizer, oracle = Adam(), torch.optim.Adam(theirs.parameters())

    def our_step() -> None:
        logits = ours.forward(x, training=True)
        ours.backward_to_weights(cnnguide.cross_entropy_backward(logits, target))
        optimizer.step(ours.parameters(), ours.gradients())

    def their_step() -> None:
        oracle.zero_grad()
        nn.functional.cross_entropy(theirs(tx), ttarget).backward()
        oracle.step()

    return Pair("training step, 32 letters", our_step, their_step, 1.3)


def photo_step() -> Pair:
    """One photo through the trained SqueezeNet, and the gradients of one score back through it."""
    ours, nn = cnnguide.photo_network(), torch.nn
    weights = iter(ours.parameters())

    def conv(stride: int = 1) -> torch.nn.Conv2d:
        weight, bias = (nn.Parameter(torch.tensor(next(weights))) for _ in range(2))
        layer = nn.Conv2d(weight.shape[1], weight.shape[0], weight.shape[2], stride, padding=weight.shape[2] // 2)
        layer.weight, layer.bias = weight, bias
        return layer

    class Fire(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.squeeze, self.one, self.three = conv(), conv(), conv()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            squeezed = self.squeeze(x).relu()
            return torch.cat([self.one(squeezed), self.three(squeezed)], dim=1).relu()

    def pool() -> torch.nn.MaxPool2d:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    first = conv(stride=2)
    first.padding = (0, 0)
    theirs = nn.Sequential(
        first, nn.ReLU(), pool(), Fire(), Fire(), pool(), Fire(), Fire(), pool(), Fire(), Fire(), Fire(), Fire(), conv(),
        nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )  # fmt: skip
    x = cnnguide.prepare_photo(cnnguide.photo("cat"))
    tx, grad = torch.tensor(x, requires_grad=True), np.zeros((1, 1000), np.float32)
    grad[0, cnnguide.PHOTO_CLASSES.index("tabby")] = 1
    tgrad = torch.tensor(grad)
    np.testing.assert_allclose(ours.forward(x), theirs(tx).detach().numpy(), rtol=1e-3, atol=1e-2)

    def our_step() -> None:
        ours.forward(x)
        ours.backward(grad)

    def their_step() -> None:
        theirs.zero_grad()
        tx.grad = None
        theirs(tx).backward(tgrad)

    return Pair("SqueezeNet, a photo there and back", our_step, their_step, 2.0)


def pairs() -> list[Pair]:
    return [
        convolution("conv 1x3x224x224, 64 7x7, stride 2", (1, 3, 224, 224), (64, 3, 7, 7), 2.7, stride=2, padding=3),
        convolution("conv 32x64x28x28, 64 3x3", (32, 64, 28, 28), (64, 64, 3, 3), 2.7, padding=1),
        convolution("conv 128x1x28x28, 16 3x3", (128, 1, 28, 28), (16, 1, 3, 3), 1.6, padding=1),
        convolution("depthwise 8x32x56x56, 3x3", (8, 32, 56, 56), (32, 1, 3, 3), 5.0, padding=1, groups=32),
        # Nothing but a matrix product: two BLAS libraries side by side.
        convolution("conv 8x64x28x28, 128 1x1", (8, 64, 28, 28), (128, 64, 1, 1), 2.7),
        filtering(),
        training_step(),
        photo_step(),
    ]


def seconds(work: Callable[[], object]) -> float:
    """Processor time, which does not count what other programs take meanwhile."""
    started = time.process_time()
    work()
    return time.process_time() - started


def measure(pair: Pair, rounds: int) -> tuple[float, float]:
    """Median ratio and median seconds of ours, over rounds in which the two take turns."""
    pair.ours(), pair.theirs()  # warm
    ratios, ours = [], []
    for number in range(rounds):
        first, second = (pair.ours, pair.theirs) if number % 2 else (pair.theirs, pair.ours)
        a, b = seconds(first), seconds(second)
        mine, other = (a, b) if number % 2 else (b, a)
        ratios.append(mine / other)
        ours.append(mine)
    return statistics.median(ratios), statistics.median(ours)


def peak_flops() -> float:
    """Multiplications and additions per second of NumPy's own float32 matrix product."""
    a = np.random.default_rng(0).standard_normal((1024, 1024)).astype(np.float32)
    return 2 * 1024**3 / statistics.median(seconds(lambda: a @ a) for _ in range(9))


def measurements(rounds: int) -> list[tuple[float, float | None]]:
    """For each pair how many times longer ours takes, and which share of the peak it reaches (None for what counts none)."""
    peak, results = peak_flops(), []
    for pair in pairs():
        ratio, own = measure(pair, rounds)
        results.append((ratio, pair.flops / own / peak if pair.flops else None))
    return results


def measured_with(kernels: str, rounds: int) -> tuple[str, list[tuple[float, float | None]]]:
    """The same in a process of its own, with the kernels that are wanted; and the name of those that BLAS really took."""
    command = [sys.executable, "-m", "benchmarks.operations", "--json", "--rounds", str(rounds)]
    environment = os.environ | {"OPENBLAS_CORETYPE": kernels, "OPENBLAS_VERBOSE": "2"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(done.stderr)
    core = re.search(r"Core: (\w+)", done.stderr)  # OpenBLAS says so when it is verbose
    return core[1] if core else "as detected", json.loads(done.stdout)


def table(rounds: int) -> tuple[str, list[str]]:
    """The table as text, and the rows that are above their limit."""
    runs = [measured_with(kernels, rounds) for kernels in KERNELS]
    titles = "".join(f"{name:>16}" for name, _ in runs)
    columns = f"{'ratio':>7}{'of peak':>9}" * len(runs)
    lines, slow = [f"{'kernels of BLAS':44}{titles}", f"{'what':36}{'at most':>8}{columns}"], []
    for row, pair in enumerate(pairs()):
        line = f"{pair.name:36}{pair.limit:8.1f}"
        for name, results in runs:
            ratio, share = results[row]
            line += f"{ratio:7.2f}{'' if share is None else f'{share:.0%}':>9}"
            if ratio > pair.limit:
                slow.append(f"{pair.name}: {ratio:.2f} times as long with kernels {name}, wanted at most {pair.limit}")
        lines.append(line)
    blas = np.show_config(mode="dicts")["Build Dependencies"]["blas"]
    versions = f"NumPy {np.__version__}, SciPy {scipy.__version__}, PyTorch {torch.__version__}"
    lines += ["", versions, f"BLAS: {blas['name']} {blas['version']}, which picks {runs[0][0]} here"]
    lines += [f"processor time of one thread; medians of {rounds} interleaved rounds", ""]
    return "\n".join(line.rstrip() for line in lines), slow


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=51)
    parser.add_argument("--into", type=Path, default=TABLE)
    parser.add_argument("--json", action="store_true", help="measure in this process and print the numbers only")
    options = parser.parse_args()
    if options.json:
        print(json.dumps(measurements(options.rounds)))
        return 0
    text, slow = table(options.rounds)
    options.into.write_text(text, "utf-8")
    print(text)
    print(*slow, sep="\n")
    return 1 if slow else 0


if __name__ == "__main__":
    sys.exit(main())
