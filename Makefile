# make demo and make test need Python 3.11 or newer, make and git; the rest they fetch themselves.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
UV     := $(or $(shell command -v uv 2>/dev/null),$(VENV)-uv/bin/uv)
STAMP  := $(VENV)/.installed

# Containers often set it. Without cached bytecode every process of Prefect compiles for seconds before it starts.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: demo test test-slow lint format bench docs lock clean stack stack-down stack-status

demo: $(STAMP)
	@$(BIN)/qhas demo

test: $(STAMP)
	@$(BIN)/python -m pytest

test-slow: $(STAMP)  # fuzzers take FUZZ_SECONDS each, 600 by default
	@$(BIN)/python -m pytest -m slow

lint: $(STAMP)
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy

format: $(STAMP)
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: $(STAMP)
	@$(BIN)/python -m bench

# The site of docs/ in site/, strictly: a link that leads nowhere fails it. Its tools have an environment of their own.
docs: $(VENV)-docs/.installed
	@NO_MKDOCS_2_WARNING=1 $(VENV)-docs/bin/mkdocs build --strict

# Prefect on PostgreSQL, an S3 server and workers, on this machine alone; infra/README.md.
stack: $(STAMP)
	@$(BIN)/python -m infra.stack up

stack-down: $(STAMP)
	@$(BIN)/python -m infra.stack down

stack-status: $(STAMP)
	@$(BIN)/python -m infra.stack status

$(STAMP): requirements.lock pyproject.toml | $(UV)
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)
	@$(UV) pip install --python $(BIN)/python --require-hashes -r requirements.lock
	@$(UV) pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)-docs/.installed: docs.lock | $(UV)
	@$(UV) venv --quiet --allow-existing --python $(PYTHON) $(VENV)-docs
	@$(UV) pip install --quiet --python $(VENV)-docs/bin/python --require-hashes -r docs.lock
	@touch $@

# What installs all the rest, itself by digest.
$(VENV)-uv/bin/uv: | bootstrap.lock
	@$(PYTHON) -m venv $(VENV)-uv
	@$(VENV)-uv/bin/pip install --quiet --require-hashes -r bootstrap.lock

# No download addresses are recorded: the locks hold for every index that serves the same files. The image gets the
# same versions without the tools of development.
DIGESTS = $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
    --no-emit-find-links --no-annotate --no-header
COMPILE = $(DIGESTS) --constraint constraints.txt --no-emit-package qhas-flows pyproject.toml

lock: | $(UV)
	$(COMPILE) --extra dev -o requirements.lock
	$(DIGESTS) --group docs -o docs.lock
	echo "uv==$$($(UV) --version | cut -d' ' -f2)" | $(DIGESTS) - -o bootstrap.lock
	$(COMPILE) --extra hostsdk --extra server --extra build --constraint requirements.lock -o infra/image/requirements.lock

clean:
	rm -rf $(VENV) $(VENV)-uv $(VENV)-docs site qhas-demo qhas-store
