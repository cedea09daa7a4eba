# make demo   sets up and walks the sample recipe from raw data to a registered model
# make test   lint, types, unit and end-to-end tests
# make setup  only .venv and the llama.cpp toolchain
PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-compile
export PATH := $(CURDIR)/$(BIN):$(PATH)

.PHONY: demo test setup lint test-gpu clean

demo: .venv/runtime
	@tinsmith toolchain
	@dvc repro
	@tinsmith summary support_triage

test: .venv/dev lint
	@tinsmith toolchain
	pytest -m "not gpu"

lint: .venv/dev
	ruff check .
	ruff format --check .
	mypy
	lint-imports

test-gpu: .venv/dev
	pytest -m gpu

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
