"""What pytest collects besides tests/: every claim of every page, and every docstring of the package."""

import os

# One BLAS thread: on small arrays more threads gain nothing, and under load they cost tenfold. Must precede NumPy.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from hypothesis import HealthCheck, settings
from sybil import Sybil
from sybil.document import PythonDocStringDocument
from sybil.parsers.rest import DocTestParser
from sybil.sybil import SybilCollection

from tests.chapter_parsers import parse_fences, parse_page

# Derandomized: a red run is red again on the next machine. No deadline: two noisy cores say nothing about an example.
settings.register_profile("cnnguide", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cnnguide")

pages = Sybil(parsers=[parse_page], path="docs", pattern="*.md", exclude="verified_numbers.md", name="page")
about_the_project = Sybil(parsers=[parse_fences], patterns=["README.md", "CONTRIBUTING.md"], name="project page")
docstrings = [
    Sybil(
        parsers=[DocTestParser()],
        path=folder,
        pattern="*.py",
        document_types={".py": PythonDocStringDocument},
        name=f"docstring of {folder}",
    )
    for folder in ("cnnguide", "guide")
]

pytest_collect_file = SybilCollection([pages, about_the_project, *docstrings]).pytest()

pytest_plugins = ["tests.report", "tests.sharing_out"]
