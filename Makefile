# Set-up and checks. Every target makes .venv first; it is made anew for changed requirements.

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.stamp
SOURCES := fdaemon statecharts $(wildcard tools) tests

.DEFAULT_GOAL := check
.PHONY: setup demo test check format lint types diagrams bench clean

setup: $(STAMP)

# A shim named python3.13 may exist and still not run, so each candidate is asked, not only found.
$(STAMP): requirements.txt pyproject.toml
	@wanted='import sys, ssl, venv, ensurepip; \
	sys.exit(sys.version_info < (3, 13) or not hasattr(ssl.SSLContext, "set_psk_server_callback"))'; \
	found=; \
	for candidate in "$(PYTHON)" python3 python3.13 python3.14 python3.15 python; do \
		if [ -n "$$candidate" ] && "$$candidate" -c "$$wanted" >/dev/null 2>&1; then found=$$candidate; break; fi; \
	done; \
	if [ -z "$$found" ]; then \
		echo "fdaemon needs Python 3.13 or newer with its venv and ssl modules (TLS-PSK); none was found."; \
		echo "Install one (on Debian: python3 and python3-venv), or name it: make PYTHON=/path/to/python3.13"; \
		exit 1; \
	fi; \
	if ! $(BIN)/python -c "$$wanted" >/dev/null 2>&1; then "$$found" -m venv --clear $(VENV) || exit 1; fi; \
	echo "Installing the pinned requirements into $(VENV) ($$($(BIN)/python --version))"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps --editable .
	@touch $@

demo: $(STAMP)
	@$(BIN)/fdlocal demo

# The parts of check are targets of their own, so that `make -k check` tells all that is wrong.
check: format lint types diagrams test

format: $(STAMP)
	$(BIN)/ruff format --check $(SOURCES)

lint: $(STAMP)
	$(BIN)/ruff check $(SOURCES)

types: $(STAMP)
	$(BIN)/mypy
	$(BIN)/pyright

diagrams: $(STAMP)
	$(BIN)/python -m statecharts.diagram --check

test: $(STAMP)
	@$(BIN)/python -m pytest

bench: $(STAMP)
	@$(BIN)/python -m tests.bench

clean:
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
