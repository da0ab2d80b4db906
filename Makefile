# duktus: set up, try, test. `make` alone lists what there is.

PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.set-up
WORKERS ?= -n logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

.DEFAULT_GOAL := help
.PHONY: help setup demo test check clean

help: ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(STAMP) ## install everything into .venv, with duktus in .venv/bin

$(STAMP): requirements.lock pyproject.toml tools/setup_browser.sh tools/setup_exiftool.sh
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "duktus needs Python 3.11 or newer; $(PYTHON) is older. Name another: make PYTHON=python3.12" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -q -r requirements.lock
	$(BIN)/python -m pip install --disable-pip-version-check -q --no-deps --no-build-isolation -e .
	sh tools/setup_browser.sh
	sh tools/setup_exiftool.sh
	@touch $(STAMP)

demo: $(STAMP) ## nine pictures in; a taught style, a directed series and its sheet out (about 5 minutes)
	$(BIN)/duktus demo --out demo-output

test: $(STAMP) ## the whole suite, on up to four cores
	$(BIN)/python -m pytest $(WORKERS)

check: $(STAMP) ## the fast part: lint, types, architecture, unit tests
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/basedpyright
	$(BIN)/lint-imports
	$(BIN)/python -m pytest -q tests/unit -m "not slow"

clean: ## remove what was built; the environment stays
	rm -rf dist build .pytest_cache .ruff_cache .import_linter_cache
