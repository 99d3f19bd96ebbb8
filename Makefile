# Everything a newcomer needs: `make demo` and `make test`. Both install what is missing first.

PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
# pytest-xdist workers; the suite brings its own brokers, ports and folders, so any number works. One more than there are
# cores: a test often waits. With two for each core the drivers' own time-outs, of 0.1 s, are met by chance.
WORKERS ?= $(shell expr $$(nproc) + 1)

# Shops, examples and seeds of each random fault: 20 shops of 10 kills each are 200 kills.
SEEDS ?= 20

export PATH := $(PATH):/usr/sbin:/sbin
# The tests start hundreds of agents; each would compile all of its source again.
unexport PYTHONDONTWRITEBYTECODE
.DEFAULT_GOAL := help
.PHONY: help setup machine demo deb test coverage faults lint audit licences bench screenshots check lock clean

help:  ## list what can be made
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(VENV)/.installed  ## install what is missing: Debian's packages, the virtual environment from the locks
	@./tools/debian-packages mosquitto faketime strace dbus-daemon chromium fonts-noto-cjk
	@./tools/pyscard "$(VENV)"

# For the tests that boot a machine or break its network, which are skipped where these cannot be had: nothing fails for
# want of them.
machine: setup
	@./tools/debian-packages systemd-container nftables iproute2 || true

$(VENV)/.ready: requirements-dev.lock
	@./tools/virtual-environment "$(PYTHON)" "$(VENV)"

# The commands in $(BIN) are those of pyproject.toml when it was last installed: install again where it has changed since.
$(VENV)/.installed: $(VENV)/.ready pyproject.toml
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

demo: setup  ## a whole virtual store; Ctrl-C ends it
	@$(BIN)/edge-agent demo $(DEMO)

deb: $(VENV)/.installed  ## the package for the boxes, dist/edge-agent_*.deb: installs offline, with all it needs
	@./packaging/build-deb --python "$(CURDIR)/$(BIN)/python"

test: machine  ## the whole test suite
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal $(TESTS)

coverage: machine  ## the test suite once more, and which lines it runs: counting them makes it twice as long
	@$(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --timeout 600 --cov --cov-report=term:skip-covered $(TESTS)

faults: machine  ## the failure matrix and the fault series, long; SEEDS=200 for a night of it, INTO=docs/reliability.md
	@EDGE_AGENT_SEEDS=$(SEEDS) $(BIN)/python -m pytest -n $(WORKERS) --dist worksteal --timeout 3600 -m "long or not long" \
		$(if $(INTO),--matrix-into $(INTO)) $(if $(TESTS),$(TESTS),tests/faults tests/e2e tests/integration/sync)

lint: setup  ## formatting, lint, types, layers
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

audit: setup  ## the locked packages against the known vulnerabilities, and under which licences they come
	@$(BIN)/python tools/audit build/audit requirements.lock requirements-dev.lock requirements-pcsc.lock
	@$(BIN)/python tools/licences --check

licences: setup  ## docs/licences.md from the lock
	@$(BIN)/python tools/licences

bench: setup  ## the figures of docs/performance.md, as ratios to raw limits of this machine
	@$(BIN)/python -m tests.bench $(BENCH)

screenshots: setup  ## the page's pictures in docs/images, of a virtual store that has had a day
	@$(BIN)/python -m tests.browser.screenshots

check: lint audit test  ## what CI runs

lock:  ## renew the locks from pyproject.toml (needs uv)
	uv pip compile -q --upgrade --generate-hashes --no-header --python-version 3.11 pyproject.toml -o requirements.lock
	uv pip compile -q --upgrade --generate-hashes --no-header --python-version 3.11 pyproject.toml --group dev -c requirements.lock -o requirements-dev.lock
	uv pip compile -q --upgrade --generate-hashes --no-header --python-version 3.11 --group pcsc -c requirements-dev.lock -o requirements-pcsc.lock
	uv pip compile -q --upgrade --generate-hashes --no-header --python-version 3.11 --group audit -o requirements-audit.lock

clean:  ## remove the virtual environment and caches
	rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage*
