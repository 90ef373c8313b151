# Tradewind. Python 3.11+ and make are all that has to be on the machine.
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PARTS := contracts service api langgraph airflow local
READY := $(VENV)/.ready

.DEFAULT_GOAL := help
.PHONY: help setup env tools statsd-mapping reference lock dashboards grafana-types pictures demo up down status test check bench chaos test-alerts test-compose clean

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

env: ## Secrets for the containers and the local stack into .env: what it lacks is added, nothing is changed (needs python3 alone)
	@PYTHONPATH=local/src $(PYTHON) -m tradewind_local.env_file .env

tools: $(READY) ## Build the monitoring programs, and Compose for the tests (Go, 5-10 minutes, once on a machine), and print where they are
	@$(BIN)/python -m tradewind_local.monitoring.tools

statsd-mapping: $(READY) ## Write the files of statsd-exporter/: after a new Airflow, or a new metric of our plugin
	@PYTHONPATH=statsd-exporter $(BIN)/python -m tradewind_statsd

LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links \
  --no-header --no-annotate $(patsubst %,--no-emit-package tradewind-%,$(subst langgraph,agents,$(PARTS)))
IMAGES := api langgraph airflow

reference: $(READY) ## Write .env.example and the tables of variables: after a change of settings
	@PYTHONPATH=docs $(BIN)/python -m tradewind_reference

lock: $(READY) ## Resolve the requirements.lock files again from the pyproject files (KEEP=1: only what is missing)
	$(LOCK) $(if $(KEEP),,--upgrade) --group dev pyproject.toml --output-file requirements.lock
	awk '/^uv==/ {on=1} on {print} on && !/\\$$/ {exit}' requirements.lock > requirements-uv.lock
	@# What an image holds, and what builds our wheels in it: parts of the lock above.
	echo hatchling | $(LOCK) --upgrade --constraint requirements.lock - --output-file requirements-build.lock
	for image in $(IMAGES); do \
	  $(LOCK) --upgrade --constraint requirements.lock $$image/pyproject.toml contracts/pyproject.toml service/pyproject.toml \
	    --output-file $$image/requirements.lock || exit; done

check: $(READY) ## Format, lint, types, layers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy contracts/src service/src api/src langgraph/src airflow/plugins airflow/dags local/src monitoring/grafana statsd-exporter docs tests benchmarks drills

STACK := $(BIN)/python -m tradewind_local

up: $(READY) ## Start the whole stack and wait until it is ready (MONITORING=1: Prometheus and its exporters too)
	@$(STACK) up $(if $(MONITORING),--monitoring)

down: $(READY) ## Stop what `make up` started; the data stay
	@$(STACK) down

status: $(READY) ## The parts: state, memory, addresses
	@$(STACK) status

DASHBOARDS := PYTHONPATH=monitoring/grafana $(BIN)/python -W ignore::DeprecationWarning -m tradewind_dashboards

dashboards: $(READY) ## Write monitoring/grafana/dashboards from their code
	@$(DASHBOARDS)

grafana-types: $(READY) ## The dashboards against Grafana's own types (needs npm)
	@$(DASHBOARDS).types_check && echo "the dashboards are of Grafana's types"

pictures: $(READY) ## Draw the dashboards into docs/images (PROMETHEUS=http://127.0.0.1:9090, MINUTES=30)
	@$(DASHBOARDS).pictures $(or $(PROMETHEUS),http://127.0.0.1:9090) $(or $(MINUTES),30)

demo: $(READY) ## up + both workflows on the samples + their results (ONCE=1: end by itself)
	@$(BIN)/python -m tradewind_local.demo $(if $(ONCE),--once)

PYTEST := $(BIN)/python -m pytest --cov --cov-append --cov-report= $(if $(ORDER),--order-seed $(ORDER))

test: $(READY) ## Unit, then real parts, then the whole stack; coverage of all three together (ORDER=7: the files shuffled by 7)
	@rm -f .coverage
	@# The unit tests need none of the tools, which are built beside them at low priority.
	@# Spread by test, not by file: by file, xdist runs tests that share an id (schemathesis' operations) only once.
	@$(MAKE) --no-print-directory tools & $(PYTEST) -n 2 tests/unit; failed=$$?; wait $$! && exit $$failed
	$(PYTEST) -n 2 tests/ops
	@# The order is tests/conftest.py's, not that of xdist, which begins with the files that have the most tests.
	$(PYTEST) -n 3 --dist loadfile --no-loadscope-reorder tests/integration
	$(PYTEST) tests/e2e
	$(BIN)/coverage report --skip-covered --fail-under=90

bench: $(READY) ## Figures beside what a user would use instead (NAME=accept|event-to-run|create|import|metrics)
	@$(BIN)/python benchmarks/run.py $(NAME)

# Drills run on the stack that benchmarks run on, and write their figures beside those.
DRILL := PYTHONPATH=benchmarks $(BIN)/python drills

chaos: $(READY) ## Kill a part while triggers are in flight (NAME=…, SEED=1, EVENTS=200)
	@$(DRILL)/chaos.py $(if $(NAME),--name $(NAME)) $(if $(SEED),--seed $(SEED)) $(if $(EVENTS),--events $(EVENTS))

test-alerts: $(READY) ## Break things on a real stack; each alert has to reach a receiver, and to be over afterwards
	@$(DRILL)/alert_drill.py

test-compose: $(READY) tools ## Build and run docker-compose.yml for real (a quarter of an hour; Docker, or root on Debian; prints which images have substitutes)
	@$(BIN)/python -m pytest -v tests/compose

clean: ## Remove what was built; the stack's data (.local) stay
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage
