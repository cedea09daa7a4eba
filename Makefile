# make demo   sets up and walks the sample recipe from raw data to a registered model
# make test   lint, types, unit and end-to-end tests
# make lint-contracts  every contract against the standard, by datacontract-cli
# make fuzz   ten minutes each of broken contracts and broken files against their readers; SECONDS=60 for less
# make test-gpu  the checks that need an NVIDIA GPU
# make test-slow  checks on real models that take minutes more
# make setup  only .venv and the llama.cpp toolchain
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile
export PATH := $(CURDIR)/$(BIN):$(PATH)
# Packages are installed uncompiled; where Python may not keep what it compiles, each process takes ten seconds to import.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test setup lint lint-contracts fuzz test-gpu test-slow clean

demo: .venv/runtime
	@tinsmith toolchain
	@dvc repro
	@tinsmith summary support_triage

test: .venv/dev lint lint-contracts
	@tinsmith toolchain
	pytest -n 2 -m "not gpu and not slow"

lint: .venv/dev
	ruff check .
	ruff format --check .
	mypy
	lint-imports

lint-contracts: .venv/lint-contracts/ready
	@for contract in data_contracts/*.odcs.yaml benchmarks/contracts/*.odcs.yaml tests/fuzz/everything.odcs.yaml; do \
	  .venv/lint-contracts/bin/datacontract lint $$contract || exit 1; done

.venv/lint-contracts/ready: lint-contracts.txt
	$(PYTHON) -m venv .venv/lint-contracts
	.venv/lint-contracts/bin/python -m pip install -qq --disable-pip-version-check -r lint-contracts.txt
	@touch $@

fuzz: .venv/dev
	python -m tests.fuzz.fuzz_contracts $(or $(SECONDS),600)
	python -m tests.fuzz.fuzz_readers $(or $(SECONDS),600)

test-gpu: .venv/dev
	pytest -m gpu

test-slow: .venv/dev
	@tinsmith toolchain
	pytest -m slow

setup: .venv/dev
	@tinsmith toolchain
	@tinsmith doctor

.venv/runtime: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "error: Python 3.11 or newer is needed; name one: make PYTHON=python3.11")'
	$(PYTHON) -m venv .venv
	@# The pip that Debian's Python brings takes half as long again to choose packages.
	$(PIP) pip==26.3
	$(PIP) -c constraints.txt -e .
	@touch $@

.venv/dev: .venv/runtime
	$(PIP) -c constraints.txt -e '.[dev]'
	@touch $@

clean:
	rm -rf work .venv mlflow.db mlartifacts
