# Every target that needs it sets the clone up first; `make` alone lists the targets.

# What the set-up begins with: any Python from 3.9 on, which finds one that fits.
PYTHON ?= python3
# Where the Python packages go; another folder for another Python.
VENV = .venv
# Passed on to pytest, for example TEST_ARGS="-k bid -x".
TEST_ARGS ?=
# How many processes run the tests, each with an Anvil of its own, and often waiting; 0 is this one alone.
WORKERS ?= 3
# What `make assure` runs: a profile, or stages by name.
STAGES ?= ci
# Options of the study: `python -m benchmarks.evaluation --help` has them.
STUDY ?=
# UPGRADE=1 lets `make lock` take newer versions.
UPGRADE ?=

SHELL := /bin/sh
BIN := $(VENV)/bin
# Ape starts `anvil` by its name.
export PATH := $(CURDIR)/$(BIN):$(PATH)

# pip, uv and npm each bring certificates of their own: the system's may have more, a proxy's say.
CERTIFICATES := $(firstword $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt \
	/etc/ssl/ca-bundle.pem /etc/ssl/cert.pem))
ifneq ($(CERTIFICATES),)
export UV_SYSTEM_CERTS ?= true
export NODE_EXTRA_CA_CERTS ?= $(CERTIFICATES)
export REQUESTS_CA_BUNDLE ?= $(CERTIFICATES)
endif

STAMP := $(VENV)/setup.stamp
# A clone that was moved, or has lost its Node packages, is set up again.
ifneq ($(shell cat $(STAMP) 2>/dev/null),$(CURDIR))
$(STAMP): FORCE
endif
ifeq ($(wildcard node_modules/setup.stamp),)
$(STAMP): FORCE
endif

COMPILED := .build/compiled.stamp
PAGE := ape_v2v/service/page/index.html
GANACHE := toolchain/ganache/node_modules/.package-lock.json
SOURCES := ape-config.yaml $(shell find contracts -name "*.sol" -not -path "*/.cache/*")
WEB := toolchain/web.py $(shell find web -type f)
INSTALLERS := toolchain/node.lock $(addprefix toolchain/,$(addsuffix .py,commands environment install node pythons))
PYTHON_SOURCES = $(wildcard ape_v2v benchmarks demo docs scripts tests toolchain)

.DEFAULT_GOAL := help
.PHONY: help setup compile test test-pyevm lint format assure assure-nightly demo app demo-pythons ganache report study site lock clean distclean FORCE

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-15s %s\n", $$1, $$2}' Makefile

setup: $(STAMP) $(PAGE) ## Install everything into .venv and node_modules, as the lock files say

$(STAMP): requirements.lock pyproject.toml package.json package-lock.json .npmrc $(INSTALLERS)
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 9))' || \
		{ echo "setup: $(PYTHON) is no Python from 3.9 on: install one, or name it: make setup PYTHON=/path/to/python" >&2; exit 1; }
	@"$(PYTHON)" -m toolchain.install $(VENV)

# What phones open, into the package.
$(PAGE): $(STAMP) $(WEB)
	@$(BIN)/python -m toolchain.web

compile: $(COMPILED) ## Compile the contracts

# By force: Ape compiles a contract again when its own file has changed, not when what it imports has.
$(COMPILED): $(STAMP) $(SOURCES)
	$(BIN)/ape compile --force
	@touch $@

test: lint $(COMPILED) $(PAGE) ## Check the style, then run the tests on a local chain
	$(BIN)/ape test -n $(WORKERS) --dist worksteal $(TEST_ARGS)

# The tests of the contracts; TEST_ARGS names fewer.
CONTRACT_TESTS := $(addprefix tests/contracts/test_,$(addsuffix .py,auction bidding connection ledger market registry \
	signatures signed_bids token_ledger))

test-pyevm: $(COMPILED) ## Run the tests of the contracts on another EVM, py-evm
	$(BIN)/ape test --network ethereum:local:test $(or $(TEST_ARGS),$(CONTRACT_TESTS))

lint: $(STAMP) ## Check style and types of Python, TypeScript and Solidity, changing nothing
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy $(PYTHON_SOURCES)
	$(BIN)/lint-imports --no-logo --cache-dir .cache/imports
	node_modules/.bin/tsc -p web
	$(BIN)/forge fmt --check
	node_modules/.bin/solhint --disc --noPoster --max-warnings 0 'contracts/**/*.sol'

format: $(STAMP) ## Bring Python and Solidity into shape
	$(BIN)/ruff check --fix-only --quiet .
	$(BIN)/ruff format .
	$(BIN)/forge fmt

assure: $(COMPILED) ## Property tests, planted bugs, attacks, coverage, a sample of mutants, Slither, Halmos
	$(BIN)/python -m tests.assurance $(STAGES)

assure-nightly: $(COMPILED) ## The same with every mutant, the large campaign, and 20,000 auctions a case
	$(BIN)/python -m tests.assurance nightly

demo: $(STAMP) ## Run a market from start to end on a local chain
	$(BIN)/ape run demo

# Where the page of `make app` is served; 0.0.0.0 is for phones in the same network.
HOST = 127.0.0.1
PORT = 8700

app: $(STAMP) $(PAGE) ## Serve a market of play money for a phone, with cars that bid
	@$(BIN)/ape run app --host $(HOST) --port $(PORT)

demo-pythons: $(STAMP) ## Run it on each Python from 3.11 to 3.13 that is on this machine
	@pythons=$$($(BIN)/python -m toolchain.pythons) && test -n "$$pythons" && \
	echo "$$pythons" | while read -r version python; do \
		echo "--- Python $$version: $$python"; \
		PYTHONDONTWRITEBYTECODE= $(MAKE) --no-print-directory demo VENV=.cache/pythons/$$version PYTHON="$$python" </dev/null || exit 1; \
	done

ganache: $(GANACHE) ## Install the node with the prices of 2020, for the gas report and its test

# npm's own record of what it has installed.
$(GANACHE): toolchain/ganache/package.json toolchain/ganache/package-lock.json .npmrc | $(STAMP)
	npm ci --prefix toolchain/ganache
	@touch $@

report: $(COMPILED) $(GANACHE) ## Measure what the market costs, and write docs/gas-report.md
	$(BIN)/ape run gas_report --write docs

study: $(COMPILED) ## Simulate what the market does, and write docs/evaluation; STUDY="--jobs 2"
	$(BIN)/python -m benchmarks.evaluation $(STUDY)

site: $(STAMP) ## Build the documentation into build/site, offline; a broken link fails it
	$(BIN)/python -m sphinx --fail-on-warning --keep-going --quiet --fresh-env docs build/site
	@echo "Open build/site/index.html"

# Without the whole set-up, which refuses lock files that do not fit package.json.
$(BIN)/uv:
	@$(MAKE) --no-print-directory setup

lock: | $(BIN)/uv ## Write the lock files anew; UPGRADE=1 takes newer versions
	$(BIN)/python toolchain/lock.py $(if $(UPGRADE),--upgrade)

clean: ## Remove what was built, keep what was installed
	rm -rf .build .cache .hypothesis .mypy_cache .pytest_cache .ruff_cache build cache dist out contracts/.cache \
		ape_v2v/service/page

distclean: clean ## Remove what was installed too
	rm -rf .venv node_modules toolchain/ganache/node_modules ape_v2v.egg-info
