# Everything a newcomer needs: `make` alone tells what there is. PYTHON=... chooses the interpreter, ARGS=... passes arguments on.

SHELL := /bin/sh
BIN := .venv/bin
ENVIRONMENT := PYTHON='$(PYTHON)' sh scripts/environment.sh

.DEFAULT_GOAL := help
.PHONY: help demo serve test lint format requirements clean

help: ## this list
	@echo 'usage: make TARGET [PYTHON=python3.13] [ARGS="--once"]'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: ## an example organization with live terminals on http://127.0.0.1:8000 (ARGS="--once" shows it and ends)
	@$(ENVIRONMENT) run
	@$(BIN)/hymio demo $(ARGS)

serve: ## a server on your own data (ARGS are those of `hymio serve`)
	@$(ENVIRONMENT) run
	@$(BIN)/hymio serve $(ARGS)

test: lint ## all checks and all tests, on all cores (ARGS="-k period" picks tests)
	$(BIN)/python -m pytest -n logical --maxprocesses 8 --dist worksteal $(ARGS)

lint: ## style, types and layers
	@$(ENVIRONMENT) test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

format: ## lays the code out as `make lint` wants it
	@$(ENVIRONMENT) test
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .

requirements: ## pins anew what Hymio runs on and is tested with (ARGS=--upgrade takes the newest)
	@PYTHON='$(PYTHON)' sh scripts/requirements.sh $(ARGS)

clean: ## removes the environment and everything that tools left behind, never any data
	rm -rf .venv .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache build dist
	find src tests -name __pycache__ -type d -prune -exec rm -rf {} +
