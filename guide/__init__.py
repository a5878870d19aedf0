"""What builds the site, and nothing that a reader installs: page parser, Markdown extensions, labs, checker, makers of data.

`hooks.py` calls `guide.build`; each step is a plain command as well: `python -m guide --help`.
"""

from pathlib import Path

ROOT = Path(__file__).parent.parent
"""The checkout that this package builds, from whatever folder it is called."""
