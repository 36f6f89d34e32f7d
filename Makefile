# What a person types. `make` alone lists it.
# Everything lives in .venv (and .peers for programs that only tests need); `make clean` removes both.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 2
DOCS_TESTS := $(wildcard tests/test_docs.py)
PAGES_TESTS := $(wildcard tests/test_house.py) $(DOCS_TESTS)

.DEFAULT_GOAL := help
.PHONY: help setup demo test check bench docs setup-peers soak format lock messages clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## /\1\t/' \
	  | while IFS="$$(printf '\t')" read -r name what; do printf '  make %-12s %s\n' "$$name" "$$what"; done

setup: $(STAMP) ## a venv in .venv with longshore and all that developing it needs

$(STAMP): requirements/dev.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "longshore needs Python 3.11 or newer; '$(PYTHON)' is $$($(PYTHON) --version 2>&1)." >&2; \
	  echo "Name another one: make setup PYTHON=python3.12" >&2; exit 2; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "'$(PYTHON)' cannot make a venv. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 2; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

demo: setup ## an embedded Docker Hub and ECR, and a whole migration between them
	@$(BIN)/python scripts/demo.py

test: setup ## all tests, with line and branch coverage (part of them: make test TESTS=tests/oci)
	@rm -f .coverage .coverage.*
	$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --cov --cov-branch --cov-report=term:skip-covered $(TESTS)

soak: setup ## the kill tests, many more rounds (ROUNDS=200)
	$(BIN)/python -m pytest -n $(WORKERS) -m kill --kill-rounds $(or $(ROUNDS),200) tests/kill

check: setup ## format, lint, types, floors, docs
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(if $(PAGES_TESTS),$(BIN)/python -m pytest -q $(PAGES_TESTS))

format: setup ## formats the code and mends what the linter can
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: setup ## measures; each program of bench/ says what
	@for program in bench/*.py; do echo "== $$program"; $(BIN)/python "$$program" || exit 1; done

docs: setup ## checks the pages: links, commands, examples
	$(if $(DOCS_TESTS),$(BIN)/python -m pytest -q $(DOCS_TESTS))

setup-peers: ## the real programs that some tests run: skopeo, docker, podman, aws, ...
	@scripts/setup-peers

# Locks name versions and hashes, no index: pip takes them from wherever this machine takes packages.
LOCK := env -u PIP_FIND_LINKS uv pip compile --universal --python-version 3.11 --generate-hashes \
  --no-header --no-emit-index-url --no-emit-find-links --quiet
lock: ## resolves requirements/*.txt again (needs uv)
	$(LOCK) pyproject.toml -o requirements/core.txt
	$(LOCK) pyproject.toml --extra local -c requirements/core.txt -o requirements/local.txt
	$(LOCK) pyproject.toml requirements/dev.in --extra local --extra github -c requirements/local.txt -o requirements/dev.txt
	$(LOCK) requirements/peers.in -o requirements/peers.txt

clean: ## removes .venv, .peers and caches
	rm -rf $(VENV) .peers .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis .coverage .coverage.*

messages: setup ## collects the sentences for translators
	$(BIN)/pybabel extract -F babel.cfg -k tr --no-default-keywords -o longshore.pot src
