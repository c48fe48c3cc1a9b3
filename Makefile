# `make check` before a commit, `make ci` for all that CI does. Needs Python 3.11 or newer.
PYTHON ?= python3
VENV ?= .venv-test
BIN := $(VENV)/bin
# Tests that start no server and few processes; `make test` runs all of them.
FAST := tests/base tests/extract tests/graph tests/models tests/nodes tests/prompt tests/search \
	tests/packaging/test_imports.py tests/test_readme.py tests/test_names.py tests/test_testing.py
EXTRAS := import tomllib; print(*tomllib.load(open('pyproject.toml', 'rb'))['project']\
	['optional-dependencies'], sep=',')

.PHONY: check test lock ci

check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest $(FAST)

test: $(VENV)/installed
	$(BIN)/python -m pytest

# The newest versions that pyproject.toml allows, with every extra, as constraints.txt.
lock:
	set -e; venv=$$(mktemp -d); trap 'rm -rf "$$venv"' EXIT; \
	$(PYTHON) -m venv "$$venv"; \
	"$$venv/bin/pip" install -q -e ".[$$($(PYTHON) -c "$(EXTRAS)")]"; \
	"$$venv/bin/pip" freeze --exclude-editable | LC_ALL=C sort -f > "$$venv/constraints.txt"; \
	cp "$$venv/constraints.txt" constraints.txt

ci:
	.ci/run

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install -q -c constraints.txt -e '.[test,bench]'
	touch $@
