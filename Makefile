# Two commands: `make demo` shows the main job, `make test` checks everything. Both make .venv first.
PYTHON ?= python3
BIN := .venv/bin
ifneq ($(wildcard ../shared/data/README.md),)
export MUTUA_DATA ?= $(abspath ../shared/data)
endif

.PHONY: demo test bench clean

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
	$(BIN)/pytest

bench: .venv/.tests
	$(BIN)/python -m bench

clean:
	rm -rf .venv build dist
