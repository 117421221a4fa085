# Latchkey. `make` alone lists what there is to do. Needed on a machine: Python 3.11 or newer, make, a package index.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The first of these that runs and is new enough. A name on the path may be an empty shim, so each is tried.
ifndef PYTHON
PYTHON := $(shell for name in python3.13 python3.12 python3.11 python3 python; do \
    if $$name -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then command -v $$name; break; fi; done)
endif

VENV := .venv
BIN := $(VENV)/bin
HOST ?= 127.0.0.1
PORT ?= 8000
DATA_DIR ?= var
DEMO ?= 1
# Words for the command behind a target, such as: make test ARGS="-k refresh"
ARGS ?=
# How often and how long `make bench` measures each operation.
ROUNDS ?= 3
SECS ?= 3

export HOST PORT DATA_DIR DEMO

.PHONY: help
help: ## Show this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-14s %s\n", $$1, $$2}'
	@echo "  Settings: PORT ($(PORT)), HOST ($(HOST)), DATA_DIR ($(DATA_DIR)), DEMO ($(DEMO)), PYTHON ($(PYTHON))"

# --- Environment: made from the lock, made anew when the lock changes ---------------------------------------------------------------

# $(1): file of requirements. Both ways check the hash of every package. Their words go to stderr: stdout may be read by scripts.
define install
if command -v uv >/dev/null 2>&1; then \
    uv pip install --quiet --python $(BIN)/python --require-hashes -r $(1) >&2; \
else \
    $(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(1) >&2; \
fi
endef

$(VENV)/.ready: requirements.txt
	@test -n "$(PYTHON)" || { echo "No Python 3.11 or newer found. Name one: make PYTHON=/path/to/python3.11" >&2; exit 1; }
	@echo "Making $(VENV) with $$($(PYTHON) --version) ..." >&2
	@rm -rf $(VENV)
	@if command -v uv >/dev/null 2>&1; then uv venv --quiet --python "$(PYTHON)" $(VENV) >&2; \
	else "$(PYTHON)" -m venv $(VENV) >&2 || { echo "Python's venv module is missing (Debian: apt install python3-venv)." >&2; exit 1; }; fi
	@$(call install,requirements.txt)
	@touch $@

$(VENV)/.ready-dev: requirements-dev.txt $(VENV)/.ready
	@echo "Installing the tools for tests and checks ..." >&2
	@$(call install,requirements-dev.txt)
	@touch $@

.PHONY: venv venv-dev
venv: $(VENV)/.ready ## Make the environment for running
venv-dev: $(VENV)/.ready-dev ## Make the environment for tests and checks

# --- Run ----------------------------------------------------------------------------------------------------------------------------

.PHONY: run
run: $(VENV)/.ready ## Start the portal with everything it needs; Ctrl-C ends it
	@LATCHKEY_UNDER_MAKE=1 exec $(BIN)/python -m config.portal

.PHONY: demo-fixtures
demo-fixtures: $(VENV)/.ready ## Print the demo's client ids, secrets, users and audiences as JSON
	@exec $(BIN)/python manage.py demo --fixtures

# --- Check --------------------------------------------------------------------------------------------------------------------------

# A running portal's variables must not reach the tests, which choose their own.
CLEAN_ENV := env -u HOST -u PORT -u DATA_DIR -u DEMO

.PHONY: test
test: $(VENV)/.ready-dev ## Run the tests: SQLite always, PostgreSQL and Redis where they answer
	@exec $(CLEAN_ENV) $(BIN)/python -m tests.run quick $(ARGS)

.PHONY: test-all
test-all: $(VENV)/.ready-dev ## Run what is slow or needs more parts: browser, gateways, faults
	@exec $(CLEAN_ENV) $(BIN)/python -m tests.run full $(ARGS)

.PHONY: lint
lint: $(VENV)/.ready-dev ## Check style, types, layers and migrations
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(CLEAN_ENV) $(BIN)/python manage.py makemigrations --check --dry-run

.PHONY: format
format: $(VENV)/.ready-dev ## Put the code into its shape
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: bench
bench: $(VENV)/.ready-dev ## Measure beside the peers and write docs/performance.md; ROUNDS, SECS, BENCH_PEERS
	@exec $(CLEAN_ENV) $(BIN)/python -m bench.peers --rounds $(ROUNDS) --secs $(SECS) $(ARGS)

.PHONY: bench-statements
bench-statements: $(VENV)/.ready-dev ## Measure only: SQL statements of each operation
	@exec $(CLEAN_ENV) $(BIN)/python -m bench.statements

.PHONY: bench-admin
bench-admin: $(VENV)/.ready-dev ## Measure only: every list of the admin and the dashboard at a million rows
	@exec $(CLEAN_ENV) $(BIN)/python -m bench.admin $(ARGS)

.PHONY: bench-cleaning
bench-cleaning: $(VENV)/.ready-dev ## Measure only: cleaning a million rows beside django-oauth-toolkit (some minutes)
	@exec $(CLEAN_ENV) $(BIN)/python -m bench.cleaning $(ARGS)

.PHONY: screenshots
screenshots: $(VENV)/.ready-dev ## Take the pictures of docs/screenshots anew (needs chromium)
	@exec $(CLEAN_ENV) $(BIN)/python -m tests.screenshots $(ARGS)

# --- Keep ---------------------------------------------------------------------------------------------------------------------------

# The index is named, so that a mirror that someone works with never gets into the lock.
EXPORT := uv export --no-config --quiet --frozen --no-emit-project --no-header
.PHONY: lock
lock: ## Lock the dependencies anew (needs uv); ARGS=--upgrade takes newer releases
	uv lock --no-config --default-index https://pypi.org/simple $(ARGS)
	{ echo "# Made from uv.lock by 'make lock'. What the portal runs with."; $(EXPORT) --no-dev; } > requirements.txt
	{ echo "# Made from uv.lock by 'make lock'. The same and the tools for tests and checks."; $(EXPORT) --all-groups; } > requirements-dev.txt

.PHONY: clean
clean: ## Remove the environment and what tools left behind; data in var/ stays
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis .coverage htmlcov
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +
