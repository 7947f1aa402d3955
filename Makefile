# `make` without a target lists the targets. PYTHON=... chooses the interpreter, ARGS=... passes arguments to the command.

SHELL := /bin/sh
BIN := .venv/bin
ENVIRONMENT := PYTHON='$(PYTHON)' sh scripts/environment.sh
PYTEST := $(BIN)/python -m pytest -n logical --maxprocesses 8 --dist worksteal
COVERED := src/hymio/intake/*,src/hymio/results/*,src/hymio/manage/*,src/hymio/misuse.py,src/hymio/period.py

.DEFAULT_GOAL := help
.PHONY: help demo serve test quick coverage lint format texts screens hooks requirements clean

help: ## this list
	@echo 'usage: make TARGET [PYTHON=python3.13] [ARGS="--once"]'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## an example organization with live terminals on http://127.0.0.1:8000 (ARGS="--once" prints it once and exits)
	@$(ENVIRONMENT) run
	@$(BIN)/hymio demo $(ARGS)

serve: ## a server with your own data (ARGS are arguments of `hymio serve`)
	@$(ENVIRONMENT) run
	@$(BIN)/hymio serve $(ARGS)

test: lint ## all checks and all tests, on all cores (ARGS="-k period" selects tests)
	$(PYTEST) $(ARGS)

quick: lint ## all checks and the tests that are not slow, on SQLite only, within 90 seconds
	HYMIO_TEST_ENGINES=sqlite HYPOTHESIS_PROFILE=quick $(PYTEST) -m 'not slow' $(ARGS)

coverage: ## lines that no test runs (SQLite only); fails if one is in intake, results, manage, misuse or period
	@$(ENVIRONMENT) test
	HYMIO_TEST_ENGINES=sqlite $(PYTEST) --cov --cov-report= $(ARGS)
	$(BIN)/python -m coverage report --sort=cover
	$(BIN)/python -m coverage report --fail-under=100 --include='$(COVERED)'

lint: ## style, types and layers
	@$(ENVIRONMENT) test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: ## formats the code
	@$(ENVIRONMENT) test
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

hooks: ## installs a git hook that runs `make lint` before each commit
	@$(ENVIRONMENT) test
	$(BIN)/pre-commit install

texts: ## extracts the texts for people, updates the catalogs and writes docs/errors.md
	@$(ENVIRONMENT) test
	$(BIN)/python -m scripts.texts

screens: ## takes the pictures of pages in docs/screens (needs Chromium at /usr/bin/chromium)
	@$(ENVIRONMENT) test
	$(BIN)/python -m scripts.screens

requirements: ## updates the pinned dependencies to fit pyproject.toml (ARGS=--upgrade: to the newest versions)
	@PYTHON='$(PYTHON)' sh scripts/requirements.sh $(ARGS)

clean: ## removes the environment and all files that tools created, but no data
	rm -rf .venv .coverage .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
