# The only entrance: people, CI and pre-commit all come through these targets.
.DEFAULT_GOAL := help
.PHONY: help setup demo check fix test bench soak schemas completions coverage lock

BIN    := .venv/bin
PY     := $(BIN)/python
STAMP  := .venv/.setup-done
CORE   := .venv/.core-done
PIP    := $(PY) -m pip --disable-pip-version-check --quiet
# PYTHON=... names the interpreter of the virtual environment; without it the first fitting one is taken.
PYTHON ?=
FITS   := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 14))

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## Make .venv with the pinned dependencies and this checkout

$(STAMP): $(CORE)
	@echo 'Installing what the extras and development need' >&2
	@$(PIP) install --no-deps --require-hashes --only-binary :all: -r requirements.lock
	@touch $@

# What the program itself needs stands first in the lock; it is all that the demo has to wait for.
$(CORE): requirements.lock pyproject.toml
	@set -eu; \
	if ! $(PY) -c '$(FITS)' 2>/dev/null; then \
	  found=; \
	  for python in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11); do \
	    if $$python -c '$(FITS)' 2>/dev/null; then found=$$python; break; fi; \
	  done; \
	  if [ -z "$$found" ]; then \
	    echo 'gpt-trader needs Python 3.11, 3.12, 3.13 or 3.14, and found none as: $(or $(PYTHON),python3 python3.11 .. python3.14).' >&2; \
	    echo 'hint: install one and name it: make setup PYTHON=/path/to/python3' >&2; \
	    exit 1; \
	  fi; \
	  echo "Making .venv with $$found ($$($$found -V))" >&2; \
	  $$found -m venv --clear .venv || { \
	    echo "hint: $$found cannot make virtual environments; on Debian and Ubuntu: apt install python3-venv" >&2; exit 1; }; \
	fi; \
	echo 'Installing the pinned dependencies' >&2; \
	sed '/^# ---/q' requirements.lock > .venv/core.lock; \
	$(PIP) install --no-deps --require-hashes --only-binary :all: -r .venv/core.lock; \
	$(PIP) install --no-deps --no-build-isolation --editable .; \
	touch $@

demo: $(CORE) ## Run the bundled backtest on two symbols; its data stays in .demo/
	@GPT_TRADER_HOME='$(CURDIR)/.demo' $(BIN)/gpt-trader run simple_backtest --symbols AAPL MSFT

check: setup ## Look without touching: format, lint, types, imports, generated files
	@$(BIN)/ruff format --check --quiet . || { echo 'hint: make fix' >&2; exit 1; }
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy --no-error-summary
	@$(BIN)/lint-imports --no-logo
	@$(PY) -m pytest -q -n0 tests/test_docs.py -k generated

fix: setup ## Mend what a machine can mend
	@$(BIN)/ruff check --fix --quiet . || true
	@$(BIN)/ruff format --quiet .

test: setup ## Run the tests on all cores
	@$(PY) -m pytest -q -n logical --dist worksteal

coverage: setup ## Run the tests and hold branch coverage: 90 % over all, 95 % in the core rooms
	@$(PY) -m pytest -q -n logical --dist worksteal --cov --cov-report= --cov-fail-under=0
	@$(BIN)/coverage report
	@$(BIN)/coverage report --fail-under=95 \
	  --include='gpt_trader/core/*,gpt_trader/trading/*,gpt_trader/journal/*,gpt_trader/workflow/*'

bench: setup ## Measure, and print the table of the README
	@$(PY) -m benchmarks

soak: setup ## Run the long drills
	@$(PY) -m pytest -q -n0 -m soak --timeout=0

schemas: setup ## Generate schemas/ from the code
	@$(PY) -m gpt_trader.cli.generate schemas

completions: setup ## Generate completions/ for bash, zsh and fish
	@$(PY) -m gpt_trader.cli.generate completions

lock: setup ## Pin the newest dependencies, with hashes and without addresses
	@$(PY) .ci/lock.py --upgrade
