# Two commands: `make demo` shows the main job, `make test` checks everything. Both make .venv first.
# `make test-all` runs what `make test` leaves out: the longest tests, which take longer than all others together.
PYTHON ?= python3
BIN := .venv/bin
ifneq ($(wildcard ../shared/data/README.md),)
export MUTUA_DATA ?= $(abspath ../shared/data)
endif

# Two processes of tests, each of one thread, and so are the programs that they start: more would wait for each other.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/pytest --numprocesses 2 --dist loadfile

.PHONY: demo test test-all index bench clean

.venv/.runs: pyproject.toml constraints.txt
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet -c constraints.txt torch
	$(BIN)/python -m pip install --quiet -c constraints.txt -e .
	touch $@

.venv/.tests: .venv/.runs
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[dev]'
	touch $@

demo: .venv/.runs
	$(BIN)/mutua demo

test: .venv/.tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PYTEST) -m "not slow"

test-all: .venv/.tests
	$(PYTEST) -m slow

index: .venv/.tests
	$(BIN)/python -m mutua.index > docs/index.md

bench: .venv/.tests
	$(BIN)/python -m bench

clean:
	rm -rf .venv .numba_cache build dist
