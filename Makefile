# Tradewind. Python 3.11+ and make are all that has to be on the machine.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PARTS := contracts api langgraph airflow local
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup lock demo up down status test check bench chaos clean

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-8s %s\n", $$1, $$2}'

setup: $(READY) ## Python packages from requirements.lock into .venv

$(READY): requirements.lock $(PARTS:%=%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed; say which with: make setup PYTHON=/path/to/python3.11")'
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "setup: installing the locked packages (about a minute the first time)"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --requirement requirements-uv.lock
	@$(BIN)/uv pip sync --quiet --require-hashes requirements.lock
	@$(BIN)/uv pip install --quiet --no-deps --no-build-isolation $(PARTS:%=-e ./%)
	@touch $@

lock: $(READY) ## Resolve requirements.lock again from the pyproject files
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
	  --no-header --no-annotate --group dev pyproject.toml \
	  --no-emit-package tradewind-agents --no-emit-package tradewind-airflow --no-emit-package tradewind-api \
	  --no-emit-package tradewind-contracts --no-emit-package tradewind-local --output-file requirements.lock
	awk '/^uv==/ {on=1} on {print} on && !/\\$$/ {exit}' requirements.lock > requirements-uv.lock

check: $(READY) ## Format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy contracts/src api/src langgraph/src airflow/plugins airflow/dags local/src tests benchmarks
