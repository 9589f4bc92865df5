# Each target works on a fresh machine with python3 (3.11 or newer) and make:
# the virtual environment .venv is made when it is missing or out of date.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
HOST ?= grumpy
SITE_FILE ?= site-configs/default.yaml
# The tests of the modules that setup.cfg lists under [coverage:run].
PURE := tests/unit/supervisor tests/unit/site/test_difference.py tests/unit/site/test_supervision_keys.py \
	tests/unit/daemon/test_incidents.py tests/unit/daemon/test_plan.py tests/unit/test_journal.py

# Without compiled files each of the many processes would compile ocsd for itself.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check lint unit scoreboard published bench compatibility clean

run: $(VENV)/installed  ## bring up the host of the example site; Ctrl-C ends it
	@$(BIN)/ocsd start --host $(HOST) --site-file $(SITE_FILE)

test: $(VENV)/installed-test  ## everything: checks, unit, system and interop tests
	@$(MAKE) --no-print-directory --output-sync --jobs 3 lint unit published
	# These wait for processes most of their time, so four at once.
	$(BIN)/python -m pytest tests/system tests/interop -m 'not alone' -n 4 --dist loadfile --no-loadscope-reorder --durations 15
	$(BIN)/python -m pytest tests/system -m alone -q

check: $(VENV)/installed-test  ## format, lint, types, layers and unit tests, in about a minute
	@$(MAKE) --no-print-directory --output-sync --jobs 2 lint unit

lint: $(VENV)/installed-test  ## format, lint, types, layers, and the limits of tests/architecture
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest tests/architecture -q

unit: $(VENV)/installed-test  ## unit tests; every branch of the pure modules has to be tested
	$(BIN)/python -m pytest $(PURE) -q --cov
	$(BIN)/python -m pytest tests/unit -q -n 2 $(PURE:%=--ignore=%)

scoreboard: $(VENV)/installed-test  ## figures of the source tree, beside the limits that tests hold
	@$(BIN)/python -m tests.architecture

published: $(VENV)/installed-test  ## what the interop tests drive: OCS and socs, each in a folder of its own
	test -n "$$OCSD_TEST_OCS_PYTHON" || $(BIN)/python -m benchmarks.ocs_venv
	-$(BIN)/python -m tests.compatibility.environment

bench: $(VENV)/installed  ## ocsd beside OCS's HostManager; installs OCS into .venv-ocs
	$(BIN)/python -m benchmarks.supervision

compatibility: .venv-socs/installed  ## run every agent class of OCS and socs; writes docs/compatibility.md
	.venv-socs/bin/python -m tests.compatibility --write docs/compatibility.md

clean:
	rm -rf $(VENV) .venv-ocs .venv-socs .venv-socs-few

$(VENV)/installed: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[router]'
	@touch $@

# Python compiles what the tests import; pip would compile all there is, which takes longer.
$(VENV)/installed-test: setup.cfg pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile --editable '.[router,data,test,check]'
	@touch $(VENV)/installed $@

.venv-socs/installed: setup.cfg pyproject.toml tests/compatibility/requirements.txt
	$(PYTHON) -m venv .venv-socs
	.venv-socs/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[router]' \
		--requirement tests/compatibility/requirements.txt
	@touch $@
