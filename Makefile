# Every target sets up what it needs: `make demo` works right after `git clone`.
SHELL := /bin/sh
.DEFAULT_GOAL := help

UV_VERSION := 0.13.8
BIN := .venv/bin
INSTALLED := .venv/.installed
REPO ?= $(CURDIR)

# uv brings its own list of certificate authorities; companies have others, and the system knows them.
export UV_SYSTEM_CERTS := 1
export UV_NO_PROGRESS := 1

# Compiled once, not by each of the many processes: some machines tell Python not to keep what it compiled.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: help
help: ## show this list
	@awk -F ':.*## ' '/^[a-z.]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: up
up: $(INSTALLED) ## start an installation here and stay; Ctrl-C stops it (HTTP=8080 chooses the port)
	@exec $(BIN)/python -P -m embedded up $(if $(HTTP),--http $(HTTP))

.PHONY: demo
demo: $(INSTALLED) ## start it and show the main job (REPO=<url or path>, default this checkout)
	@exec $(BIN)/python -P -m embedded demo --repo "$(REPO)" $(if $(HTTP),--http $(HTTP)) $(if $(ONCE),--once)

.PHONY: test
test: $(INSTALLED) ## run all tests, on real servers that they start themselves
	$(BIN)/pytest -n auto

.PHONY: check
check: $(INSTALLED) ## lint, types, import contracts, generated code, file sizes, rules of the contracts
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy .
	$(BIN)/lint-imports
	$(BIN)/python tools/generate.py --check
	$(BIN)/python -m tools.reference --check
	$(BIN)/python -m tools.render_chart --check
	$(BIN)/python tools/lint_contracts.py
	$(BIN)/python tools/check_size.py
	$(BIN)/pytest -q tests/contract/contracts

.PHONY: fault
fault: $(INSTALLED) ## run all tests that kill, cut and wipe (ROUNDS=1, PREVIOUS=<commit> for the last release)
	$(BIN)/pytest -v -n auto tests/fault tests/integration -m "fault or thorough" --thorough \
		--rounds $(or $(ROUNDS),1) $(if $(PREVIOUS),--previous $(PREVIOUS))

.PHONY: thorough
thorough: $(INSTALLED) ## run all tests, those of `make fault` and those that are too long for every change too, with new random examples
	$(BIN)/pytest -n auto --thorough

.PHONY: soak
soak: $(INSTALLED) ## kill 50 times while programs print, cut devices off 1,000 times, upgrade a runner 10 times: 6 minutes
	$(BIN)/pytest -v -n 2 tests/fault/test_output.py tests/fault/test_disconnects.py tests/integration/runner/test_upgrade.py \
		--thorough --rounds 10

.PHONY: bench
bench: $(INSTALLED) ## measure, and print the numbers
	$(BIN)/python -m benchmarks

.PHONY: images
images: ## build the container images with docker, podman or buildah (BASE_IMAGE=debian:trixie-slim)
	@sh deploy/images/build.sh

.PHONY: generate
generate: $(INSTALLED) ## generate code and the API reference from the contracts in protos/, and plain manifests from the chart
	$(BIN)/python tools/generate.py
	$(BIN)/python -m tools.reference
	$(BIN)/python -m tools.render_chart

.PHONY: format
format: $(INSTALLED) ## format the code and fix what can be fixed
	$(BIN)/ruff check --fix-only
	$(BIN)/ruff format
	cd protos && ../$(BIN)/buf format --write . --config '{"version": "v2"}'

.PHONY: .venv
.venv: $(INSTALLED) ## install what the lock says into .venv

# Python 3.11 or newer: `python3` where that is one, else the newest that is on the PATH.
$(INSTALLED): requirements.lock pyproject.toml
	@set -eu; \
	if ! $(BIN)/python -c '' 2>/dev/null; then \
	  for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	    if "$$python" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; \
	    python=; \
	  done; \
	  if [ -z "$$python" ]; then \
	    echo 'Python 3.11 or newer with venv is needed, and none is on the PATH; install python3 and python3-venv.' >&2; exit 1; \
	  fi; \
	  echo "Creating .venv with $$("$$python" --version) …"; \
	  rm -rf .venv; "$$python" -m venv .venv; \
	fi; \
	if ! $(BIN)/uv --version 2>/dev/null | grep -q '^uv $(UV_VERSION)'; then \
	  $(BIN)/python -m pip install --quiet --disable-pip-version-check uv==$(UV_VERSION); \
	fi; \
	echo 'Installing the locked dependencies …'; \
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock; \
	$(BIN)/uv pip install --quiet --python $(BIN)/python --offline --no-deps --no-build-isolation --editable .; \
	touch $@
