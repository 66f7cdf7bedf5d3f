# Every target that needs it sets the clone up first; `make` alone lists the targets.

PYTHON ?= python3
# Passed on to pytest, for example TEST_ARGS="-k bid -x".
TEST_ARGS ?=
# How many processes run the tests, each with an Anvil of its own; 0 is this one alone.
WORKERS ?= auto
# What `make assure` runs: a profile, or stages by name.
STAGES ?= ci
# UPGRADE=1 lets `make lock` take newer versions.
UPGRADE ?=

SHELL := /bin/sh
BIN := .venv/bin
# Ape starts `anvil` by its name.
export PATH := $(CURDIR)/.venv/bin:$(PATH)

STAMP := .venv/setup.stamp
# A clone that was moved, or has lost its Node packages, is set up again.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
$(STAMP): FORCE
endif
ifeq ($(wildcard node_modules/setup.stamp),)
$(STAMP): FORCE
endif

COMPILED := .build/compiled.stamp
GANACHE := toolchain/ganache/node_modules/.package-lock.json
SOURCES := ape-config.yaml $(shell find contracts -name "*.sol" -not -path "*/.cache/*")
PYTHON_SOURCES = $(wildcard ape_v2v benchmarks demo scripts tests toolchain)

.DEFAULT_GOAL := help
.PHONY: help setup compile test test-pyevm lint format assure assure-nightly demo ganache report lock clean distclean FORCE

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) ## Install everything into .venv and node_modules, as the lock files say

$(STAMP): requirements.lock pyproject.toml package.json package-lock.json .npmrc toolchain/install.py
	@command -v "$(PYTHON)" >/dev/null || { echo "setup: $(PYTHON) is not on the PATH: Python 3.11 or newer is needed" >&2; exit 1; }
	@"$(PYTHON)" toolchain/install.py

compile: $(COMPILED) ## Compile the contracts

# By force: Ape compiles a contract again when its own file has changed, not when what it imports has.
$(COMPILED): $(STAMP) $(SOURCES)
	$(BIN)/ape compile --force
	@touch $@

test: lint $(COMPILED) ## Check the style, then run the tests on a local chain
	$(BIN)/ape test -n $(WORKERS) --maxprocesses 4 --dist worksteal $(TEST_ARGS)

# The tests of the contracts; TEST_ARGS names fewer.
CONTRACT_TESTS := $(addprefix tests/contracts/test_,$(addsuffix .py,auction bidding connection ledger market registry \
	rooms signatures signed_bids))

test-pyevm: $(COMPILED) ## Run the tests of the contracts on another EVM, py-evm
	$(BIN)/ape test --network ethereum:local:test $(or $(TEST_ARGS),$(CONTRACT_TESTS))

lint: $(STAMP) ## Check style and types of Python and Solidity, changing nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(PYTHON_SOURCES)
	$(BIN)/forge fmt --check
	node_modules/.bin/solhint --disc --noPoster --max-warnings 0 'contracts/**/*.sol'

format: $(STAMP) ## Bring Python and Solidity into shape
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/forge fmt

assure: $(COMPILED) ## Property tests, planted bugs, attacks, coverage, a sample of mutants, Slither, Halmos
	$(BIN)/python -m tests.assurance $(STAGES)

assure-nightly: $(COMPILED) ## The same with every mutant, and the large campaign of property tests
	$(BIN)/python -m tests.assurance nightly

demo: $(STAMP) ## Run a market from start to end on a local chain
	$(BIN)/ape run demo

ganache: $(GANACHE) ## Install the node with the prices of 2020, for the gas report and its test

# npm's own record of what it has installed.
$(GANACHE): toolchain/ganache/package.json toolchain/ganache/package-lock.json .npmrc | $(STAMP)
	npm ci --prefix toolchain/ganache
	@touch $@

report: $(COMPILED) $(GANACHE) ## Measure what the market costs, and write docs/gas-report.md
	$(BIN)/ape run gas_report --write docs

# Without the whole set-up, which refuses lock files that do not fit package.json.
$(BIN)/uv:
	@$(MAKE) --no-print-directory setup

lock: | $(BIN)/uv ## Write the lock files anew; UPGRADE=1 takes newer versions
	$(BIN)/python toolchain/lock.py $(if $(UPGRADE),--upgrade)

clean: ## Remove what was built, keep what was installed
	rm -rf .build .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build cache dist out contracts/.cache

distclean: clean ## Remove what was installed too
	rm -rf .venv node_modules toolchain/ganache/node_modules ape_v2v.egg-info
