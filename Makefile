# Each target works on a fresh machine with python3 (3.11 or newer) and make:
# the virtual environment .venv is made when it is missing or out of date.
# PYTHON=python3.13 makes it with another Python; remove it first (make clean).
PYTHON ?= python3
# Other people's packages: the versions that CI has tried, or LATEST=1: the newest of each, or
# OLDEST=1: the oldest that setup.cfg allows. Each has a virtual environment of its own.
ifdef LATEST
VENV := .venv-latest
EXTRAS := router,data,tui,postgres,test,check,docs
export LATEST
else ifdef OLDEST
VENV := .venv-oldest
EXTRAS := data,tui,postgres,test
CONSTRAINTS := $(CURDIR)/constraints/oldest.txt
else
VENV := .venv
EXTRAS := router,data,tui,postgres,test,check,docs
CONSTRAINTS := $(CURDIR)/constraints/locked.txt
endif
BIN := $(VENV)/bin
# UV=uv, a path of it: unpacks in half of pip's time, but does not know pip's settings (.ci/run).
# Unlike the option --constraint, the variables hold for what builds ocsd, too.
ifdef UV
INSTALL := UV_CONSTRAINT=$(CONSTRAINTS) UV_BUILD_CONSTRAINT=$(CONSTRAINTS) $(UV) pip install --quiet --python $(BIN)/python
else
INSTALL := PIP_CONSTRAINT=$(CONSTRAINTS) $(BIN)/python -m pip install --quiet --disable-pip-version-check
endif
# Tests of the system at a time. Three keep two cores busy; the fourth begins with those that mostly
# wait (tests/system/conftest.py). More of them would starve each other.
WORKERS ?= 4
HOST ?= grumpy
SITE_FILE ?= site-configs/default.yaml
# Of Debian, for which packages are made.
RELEASES := bookworm trixie
# The tests of the modules that setup.cfg lists under [coverage:run].
PURE := tests/unit/alarms tests/unit/bridge tests/unit/containers tests/unit/evaluator/test_desk.py tests/unit/rollout tests/unit/supervisor tests/unit/site/test_difference.py tests/unit/site/test_supervision_keys.py \
	tests/unit/daemon/watching/test_incidents.py tests/unit/daemon/instances/test_plan.py tests/unit/history tests/unit/site/test_own_router.py tests/unit/site/test_recording_by_host.py

# The tests of what people see: half of the time of the others.
SEEN := tests/unit/cli tests/unit/docs tests/unit/web

LOCK := .venv-lock/bin/uv pip compile --quiet --upgrade --python-version 3.11 --no-annotate --custom-compile-command 'make lock'

# Without compiled files each of the many processes would compile ocsd for itself.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run test check lint docs unit unit-seen unit-unseen unit-pure system alone trixie packages packages-built $(RELEASES:%=packages-%) scoreboard published published-ocs bench compatibility lock clean

run: $(VENV)/installed  ## bring up the host of the example site; Ctrl-C ends it
	@$(BIN)/ocsd start --host $(HOST) --site-file $(SITE_FILE)

ifdef OLDEST
test: $(VENV)/installed-test  ## the unit tests, without crossbar, which needs newer packages
	$(BIN)/python -m pytest tests/unit -q -n 2
else
test:  ## everything: checks, unit, system and interop tests
	@$(MAKE) --no-print-directory --jobs 2 $(VENV)/installed-test published-ocs
# The longest first, and beside them one of the others: so both cores are busy until the end.
	@$(MAKE) --no-print-directory --output-sync --jobs 3 unit-seen unit-unseen published lint unit-pure
	@$(MAKE) --no-print-directory system
	@$(MAKE) --no-print-directory alone
endif

check: $(VENV)/installed-test  ## format, lint, types, layers and unit tests, in about a minute
	@$(MAKE) --no-print-directory --output-sync --jobs 3 unit-seen unit-unseen lint unit-pure

lint: $(VENV)/installed-test  ## format, lint, types, layers, the limits of tests/architecture, documentation
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/codespell
	$(BIN)/python -m tests.unit.docs.prose
	$(BIN)/python -m pytest tests/architecture -q
	@$(MAKE) --no-print-directory docs

docs: $(VENV)/installed-test  ## the documentation as pages for a browser, in build/docs; a warning is an error
	$(BIN)/sphinx-build -W --keep-going -q docs build/docs

unit: $(VENV)/installed-test  ## unit tests; every branch of the pure modules has to be tested
	@$(MAKE) --no-print-directory --output-sync --jobs 2 unit-seen unit-unseen unit-pure

# Two runs, not two workers of pytest-xdist: each of those collects all, and each test is reported
# to a third process.
unit-seen: $(VENV)/installed-test
	$(BIN)/python -m pytest $(SEEN) -q

unit-unseen: $(VENV)/installed-test
	$(BIN)/python -m pytest tests/unit -q $(SEEN:%=--ignore=%) $(PURE:%=--ignore=%)

unit-pure: $(VENV)/installed-test
	$(BIN)/python -m pytest $(PURE) -q --cov

system: $(VENV)/installed-test published  ## system and interop tests, but for those that are to run alone
	$(BIN)/python -m pytest tests/system tests/interop -m 'not alone and not in_pairs' -n $(WORKERS) --dist loadscope --no-loadscope-reorder --durations 15

alone: $(VENV)/installed-test  ## system tests beside which little or nothing else may run
	$(BIN)/python -m pytest $$(grep -rl mark.alone tests/system) -m alone -q
	$(BIN)/python -m pytest $$(grep -rl mark.in_pairs tests/system) -m in_pairs -n 2 --dist loadfile -q

trixie:  ## the unit tests on Debian trixie, with its Python 3.13; needs root and mmdebstrap
	sh tests/trixie.sh make unit

packages: $(RELEASES:%=packages-%)  ## build all packages, and install, run and purge them in empty Debian systems; needs root and mmdebstrap

packages-built: docs
	$(PYTHON) deploy/build.py dist --html

$(RELEASES:%=packages-%): packages-%: packages-built
	sh tests/system/packages/pip.sh $* dist
	sh tests/system/packages/debian.sh $* dist

scoreboard: $(VENV)/installed-test  ## figures of the source tree, beside the limits that tests hold
	@$(BIN)/python -m tests.architecture

published: $(VENV)/installed-test published-ocs  ## what the interop tests drive: OCS and socs, each in a folder of its own
	-$(BIN)/python -m tests.compatibility.environment

published-ocs:
	test -n "$$OCSD_TEST_OCS_PYTHON" || $(PYTHON) -m benchmarks.ocs_venv

bench: $(VENV)/installed  ## ocsd beside OCS's HostManager; installs OCS into .venv-ocs
	$(BIN)/python -m benchmarks.supervision

compatibility: .venv-socs/installed  ## run every agent class of OCS and socs; writes docs/moving-from-ocs/compatibility.md
	.venv-socs/bin/python -m tests.compatibility --write docs/moving-from-ocs/compatibility.md

lock: .venv-lock/installed  ## take the newest versions of other people's packages into constraints/
	$(LOCK) setup.cfg --all-extras --universal --output-file constraints/locked.txt
	$(LOCK) setup.cfg --extra data --extra tui --extra postgres --extra test --resolution lowest-direct --output-file constraints/oldest.txt
	$(LOCK) constraints/published.in --universal --output-file constraints/published.txt

clean:
	rm -rf .venv .venv-*

$(VENV)/installed: setup.cfg pyproject.toml $(CONSTRAINTS)
	@echo 'installing ocsd and what it needs into $(VENV), once: this takes minutes, in which nothing is printed'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable '.[router]'
	@touch $@

# Python compiles what the tests import; pip would compile all there is, which takes longer.
$(VENV)/installed-test: setup.cfg pyproject.toml $(CONSTRAINTS)
	@echo 'installing ocsd and what it and its tests need into $(VENV), once: this takes minutes, in which nothing is printed'
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --no-compile --editable '.[$(EXTRAS)]'
	@touch $(VENV)/installed $@

.venv-lock/installed:
	$(PYTHON) -m venv .venv-lock
	.venv-lock/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
	@touch $@

.venv-socs/installed: setup.cfg pyproject.toml tests/compatibility/requirements.txt
	$(PYTHON) -m venv .venv-socs
	.venv-socs/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[router]' \
		--requirement tests/compatibility/requirements.txt
	@touch $@
