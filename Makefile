# Everything a reader, a writer or a maintainer needs, on a machine with git, make and Python 3.11 or newer.

PYTHON ?= python3
PORT ?= 8000
VENV ?= .venv
BIN := $(VENV)/bin
IN_PARALLEL := --numprocesses logical --maxprocesses 8
export NO_MKDOCS_2_WARNING := 1
export PYDEVD_DISABLE_FILE_VALIDATION := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: help setup serve site test test-fast lint test-oldest experiments bench deploy lock release clean
.DEFAULT_GOAL := help

help: ## list these commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1	/' | expand -t 22

setup: $(VENV)/.ready ## make .venv with everything, at the versions of constraints.txt

$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "cnnguide needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version 2>&1). Try: make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' || { echo "$(PYTHON) cannot make environments; on Debian and Ubuntu: apt install python3-venv"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --constraint constraints.txt --editable ".[test]"
	@touch $@

serve: setup ## serve the guide with live reload (make serve PORT=8001 for another port)
	$(BIN)/mkdocs serve --dev-addr 127.0.0.1:$(PORT)

site: setup ## build the guide into site/
	$(BIN)/mkdocs build

test: setup ## run every test, in as many processes as there are cores; say what was skipped and why
	$(BIN)/python -m pytest $(IN_PARALLEL)

test-fast: setup ## run the inner loop: package, docstrings, pages and style, without a built site and without a browser
	$(BIN)/python -m pytest $(IN_PARALLEL) -m "not site"

lint: setup ## judge the form of Python, JavaScript and English: ruff, mypy, Prettier, ESLint, TypeScript, codespell
	$(BIN)/python -m pytest -q tests/test_style.py tests/test_prose.py

test-oldest: .venv-oldest/.ready ## run the tests with the oldest versions that pyproject.toml admits
	@echo "Left out: what runs in the browser, which is the same with every version of Python's packages, and the builds and deploys of a small guide."
	.venv-oldest/bin/python -m pytest $(IN_PARALLEL) -m "not browser" --ignore=tests/test_wrong_pages.py --ignore=tests/test_deploys.py

.venv-oldest/.ready: pyproject.toml
	$(PYTHON) -m venv .venv-oldest
	.venv-oldest/bin/python -m pip install --quiet uv
	.venv-oldest/bin/uv pip install --quiet --python .venv-oldest/bin/python --resolution lowest-direct --editable ".[test]"
	@touch $@

experiments: setup ## run every experiment anew (a minute on two cores); those that changed run by themselves
	$(BIN)/python -m cnnguide.experiments --force

bench: setup ## measure against PyTorch and SciPy, and in Chromium; write the tables of the performance page
	$(BIN)/python -c 'import torch' 2>/dev/null || { echo "The benchmarks compare with PyTorch: install it into $(VENV) first."; exit 1; }
	$(BIN)/python -m benchmarks.operations
	$(BIN)/mkdocs build --quiet
	$(BIN)/python -m benchmarks.browser

deploy: setup ## publish the committed guide on the branch gh-pages of origin
	$(BIN)/mkdocs gh-deploy

lock: setup ## write today's newest versions into constraints.txt
	$(BIN)/python -m pip install --quiet uv
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --no-emit-find-links --no-annotate --no-header --extra test pyproject.toml --output-file constraints.txt

release: setup ## build what an index takes, check it, and tag the commit (publishing is the maintainer's last step, see CONTRIBUTING)
	@test -z "$$(git status --porcelain)" || { echo "Commit everything first: a tag names a commit."; exit 1; }
	@$(BIN)/python -m guide release-check
	rm -rf dist
	$(BIN)/python -m build --quiet
	$(BIN)/python -m pip install --quiet twine && $(BIN)/python -m twine check --strict dist/*
	git tag --annotate "v$$($(BIN)/python -c 'import cnnguide; print(cnnguide.__version__)')" --message "See CHANGELOG.md"
	@echo "Built and tagged. To publish: git push --tags, then $(BIN)/python -m twine upload dist/*"

clean: ## remove all that was built, the environments too
	rm -rf .venv .venv-oldest site dist .cache docs/figures docs/javascripts/data docs/reference/verified_numbers.md node_modules
