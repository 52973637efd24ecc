# Every target works in a fresh clone: what it needs is installed into .venv first.
PYTHON ?= python3
PORT ?= 8080
VENV := .venv
BIN := $(VENV)/bin
SOURCES := crds operator router cli tests examples

.DEFAULT_GOAL := help
.PHONY: help up test check fmt crds lock images cluster cluster-down kind kind-down e2e compiled bench bench-operator bench-scaling clean

help: ## Show this list
	@grep -E '^[a-z0-9-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

up: $(VENV)/local ## Install into .venv, serve examples/quickstart on PORT (8080), ask it one question, keep serving
	@$(BIN)/auriga up -f examples/quickstart --port $(PORT) --ask assistant "What is a RoleChain?"

test: $(VENV)/dev ## Run the tests (the first run builds a Kubernetes control plane: about 5 minutes)
	$(BIN)/python tests/support/kube_binaries.py
	$(BIN)/python tests/support/kube/helm.py
	$(BIN)/python tests/support/kube/kwok.py
	$(BIN)/pytest

check: $(VENV)/dev ## Lint, format, types, import rules, generated files
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/python -m auriga_api.crd --check crds

fmt: $(VENV)/dev ## Format the code and mend what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

crds: $(VENV)/dev ## Generate crds/*.yaml from the types in auriga_api
	$(BIN)/python -m auriga_api.crd crds
	cp crds/*.yaml charts/auriga/files/crds/

# Hashes and no addresses, so that a mirror serves as well as the public index.
COMPILE := $(BIN)/uv pip compile --quiet --upgrade --generate-hashes --no-annotate --no-header --universal --python-version 3.11 pyproject.toml
lock: $(VENV)/dev ## Update requirements/*.txt from pyproject.toml
	$(BIN)/pip install --quiet uv
	$(COMPILE) -o requirements/base.txt
	$(COMPILE) --group build -o requirements/build.txt
	$(COMPILE) --extra local --group build -o requirements/local.txt
	$(COMPILE) --extra local --extra llama-cpp --group build -o requirements/llama-cpp.txt
	$(COMPILE) --extra operator -o requirements/operator.txt
	$(COMPILE) --extra operator --group build --group compile -o requirements/compile.txt
	$(COMPILE) --extra operator --extra local --group build --group dev -o requirements/dev.txt

images: $(VENV)/dev ## Build the images without a Docker engine (buildah, root)
	PYTHONPATH=tests $(BIN)/python -m e2e.auriga_images

cluster: $(VENV)/dev ## Start a cluster of one node on this machine, with this tree on it (root; no Docker engine)
	@PYTHONPATH=tests $(BIN)/python -m e2e.cluster up

cluster-down: $(VENV)/dev ## Stop that cluster, and leave nothing behind
	@PYTHONPATH=tests $(BIN)/python -m e2e.cluster down

kind: $(VENV)/dev ## The same with Docker and kind
	@PYTHONPATH=tests $(BIN)/python -m e2e.cluster up --kind

kind-down: $(VENV)/dev ## Delete that cluster
	@PYTHONPATH=tests $(BIN)/python -m e2e.cluster down --kind

e2e: $(VENV)/dev ## Run the scenarios of tests/e2e on a cluster of their own, from nothing (root, or Docker and kind)
	@PYTHONPATH=tests $(BIN)/python -m e2e

compiled: $(VENV)/dev ## Build the wheel with the router compiled by mypyc (needs a C compiler), and unpack it into dist/compiled
	rm -rf dist
	AURIGA_BUILD=compiled $(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .
	$(BIN)/python -m zipfile -e dist/auriga-*.whl dist/compiled

bench: $(VENV)/dev ## Measure the router beside nginx, vllm-router and LiteLLM (14 minutes; QUICK=1: four; needs gcc, nginx, wrk)
	$(BIN)/python bench/router.py $(if $(QUICK),--quick)
	$(BIN)/python bench/translation.py

bench-scaling: $(VENV)/dev ## Replay loads through the autoscaling of Auriga and of KubeAI, side by side (a minute)
	$(BIN)/python bench/scaling

bench-operator: $(VENV)/dev ## Measure the operator with 1,000 Models and 300 RoleChains against a real API server (four minutes)
	$(BIN)/python bench/operator

clean: ## Remove .venv and every cache of the tools (not the weights' cache)
	rm -rf $(VENV) dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# One environment; `dev` holds all of `local` and the tools.
$(VENV)/local: requirements/local.txt pyproject.toml
	$(call install,local)

$(VENV)/dev: requirements/dev.txt pyproject.toml
	$(call install,dev)
	@touch $(VENV)/local

define install
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing requirements/$(1).txt into $(VENV) ..."
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements/$(1).txt
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@
endef
