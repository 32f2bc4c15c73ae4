# The README's commands. `make run` and `make test` need only Python 3.11 or newer.

# Interpreters to try, in this order. `make PYTHON=...` names another one.
PYTHON ?= python3.13 python3.12 python3.11 python3
VENV ?= .venv
BENCH_VENV := .venv-bench
BIN := $(VENV)/bin
BROWSER := $(VENV)/installed-browser
AXE := build/npm/node_modules/axe-core/axe.min.js

# The path of the first of them that starts, is new enough and can make a virtual environment.
# .python-version names the version of production. pyenv reads it too, and fails where that version is
# not installed, so PYENV_VERSION allows the others.
find_python = $(shell for python in $(PYTHON); do \
	PYENV_VERSION=3.13:3.14:3.12:3.11:system $$python -c 'import ensurepip, sys; \
		print(sys.executable) if sys.version_info >= (3, 11) else sys.exit(1)' 2>/dev/null && break; done)
python = $(or $(find_python),$(error Python 3.11 or newer is needed, with its venv module; make PYTHON=... names one))

# --clear: what another version of Python has left in the folder would break this one.
define make_venv
"$(python)" -m venv --clear $(1)
$(1)/bin/python -m pip install --quiet --disable-pip-version-check -r $(2)
@touch $(1)/installed
endef

# Where people read: what the prose linter checks
PROSE := $(wildcard *.md *.py *.toml *.txt) Makefile Procfile .ci/run bench docs migrations sql \
	telemetry tests

# The tests start hundreds of processes, each of which would compile the service again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run demo test test-faults test-citus test-api test-client test-package test-browser screenshots lint format schema install bench

## Serve on http://127.0.0.1:8765 over an embedded PostgreSQL that keeps its data in .data/
run: install
	@$(BIN)/python -m telemetry serve

## Fill the empty database of `make run` with a month of invented data; `make run` may be running
demo: install
	@$(BIN)/python -m telemetry demo

## Run the test suite against a PostgreSQL that it starts itself; ARGS="tests/runs" names a part
test: install
	$(BIN)/python -m pytest $(ARGS)

## Run the tests that kill servers and workers, that wait for deadlines, or that take long
test-faults: install
	$(BIN)/python -m pytest -m "faults or long" -n 4 $(ARGS)

## Run the tests that speak HTTP on a cluster of Citus; CITUS_PGBIN=... names the folder of its programs
test-citus: install
	$(BIN)/python -m pytest --distributed -n 2 --dist loadfile -rs $(ARGS)

## Send 10,000 requests made from the API's document, and check each response against it
test-api: install
	$(BIN)/python -m tests.support.api_cases

## Kill 200 agents at random while the service and its database go away
test-client: install
	CLIENT_KILLS=200 $(BIN)/python -m pytest -n 0 -s -m faults tests/client/test_kill.py

## Install the package alone into an empty environment, where the client has to work
test-package: install
	$(BIN)/python -m tests.support.package_alone

## Open the pages in Chromium, the program `chromium`, and check what people see and can do
test-browser: $(BROWSER) $(AXE)
	$(BIN)/python -m pytest tests/browser -n 2 --dist loadscope

## Write pictures of every page to build/screenshots/, for people to look at
screenshots: $(BROWSER)
	$(BIN)/python -m tests.browser.screenshots $(ARGS)

# Playwright for Python comes on top of .venv, axe-core from npm. Only these two targets need them.
$(BROWSER): $(VENV)/installed tests/browser/requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r tests/browser/requirements.txt
	@touch $@

$(AXE): tests/browser/package.json
	@mkdir -p build/npm && cp $< build/npm/
	npm install --prefix build/npm --no-package-lock --no-audit --no-fund --silent
	@touch $@

## Check format, style, types, layers, SQL and prose
lint: install
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --python-version 3.10 telemetry/client
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint --processes 2 sql migrations
	$(BIN)/codespell $(PROSE)
	$(BIN)/python .codespell/phrases.py .codespell/dialect.txt $(PROSE)

## Fix the format and whatever else can be fixed automatically
format: install
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .
	$(BIN)/sqlfluff fix --processes 2 sql migrations

## Write what is generated: sql/schema.sql, the whole database after all migrations,
## sql/definitions.txt, and the document of the API
schema: install
	$(BIN)/python -m tests.support.schema_file
	$(BIN)/python -m tests.support.definitions_file
	$(BIN)/python -m tests.support.openapi_file

## Create .venv and install everything into it; does nothing when it is up to date
install: $(VENV)/installed

$(VENV)/installed: requirements.txt requirements-dev.txt
	$(call make_venv,$(VENV),requirements-dev.txt)

## Compare with the baselines and with PostgreSQL alone; ARGS="--help" lists the options
bench: $(BENCH_VENV)/installed
	@$(BENCH_VENV)/bin/python -m bench $(ARGS)

$(BENCH_VENV)/installed: requirements.txt requirements-dev.txt bench/requirements.txt
	$(call make_venv,$(BENCH_VENV),bench/requirements.txt)
