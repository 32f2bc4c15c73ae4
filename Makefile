# Targets of the README; `make run` and `make test` need nothing installed but Python 3.11+.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin

.PHONY: run test lint format schema install bench

## Serve on http://127.0.0.1:8765 over an embedded PostgreSQL, its data kept in .data/
run: install
	@$(BIN)/python -m telemetry serve

## Run the test suite against a PostgreSQL that it starts itself
test: install
	$(BIN)/python -m pytest

## Check format, style, types, layers and SQL
lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --processes 2 sql migrations

## Put the code into the format that lint asks for
format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/sqlfluff fix --processes 2 sql migrations

## Write sql/schema.sql, the whole database as the migrations make it, and sql/definitions.txt
schema: install
	$(BIN)/python -m tests.support.schema_file
	$(BIN)/python -m tests.support.definitions_file

## Make .venv with everything in it; does nothing when it is up to date
install: $(VENV)/installed

$(VENV)/installed: requirements.txt requirements-dev.txt
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; make PYTHON=... names one")'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

## Measure against the baselines and PostgreSQL's own limits; ARGS="--help" tells more
bench: $(VENV)-bench/installed
	@$(VENV)-bench/bin/python -m bench $(ARGS)

$(VENV)-bench/installed: requirements.txt requirements-dev.txt bench/requirements.txt
	$(PYTHON) -m venv $(VENV)-bench
	$(VENV)-bench/bin/python -m pip install --quiet --disable-pip-version-check -r bench/requirements.txt
	@touch $@
