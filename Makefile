# `make run` serves the demo, `make test` checks everything; `make help` lists the rest.

PYTHON ?= python3
PORT ?= 8000

VENV := .venv
BIN := $(VENV)/bin
# The locks agree on every version, so they can be installed over each other in any order.
# Every package of a lock is listed in it: with --no-deps pip has nothing to look up.
# What is imported is compiled then.
PIP_OPTIONS := -m pip install -qq --disable-pip-version-check --no-deps --no-compile
PIP_INSTALL := $(BIN)/python $(PIP_OPTIONS)
PYTEST := $(BIN)/python -m pytest --dist loadfile --no-loadscope-reorder

# What ours is measured beside: in places of its own, so that tests never meet it.
BENCH := build/bench
NODE_PEER := benchmarks/peers/node
DIST := build/dist
DOCS := build/docs
HOSTS := build/hosts
# npm projects with locks of their own.
NODE_PROJECTS := $(NODE_PEER) docs_site tests/browser/hooks/app tests/browser/hooks/react18 \
	tests/packages/vite tests/typed

# The tests start hundreds of processes, and each would compile all of our modules anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: bench chaos clean compiled conformance deep dist docs help lint lock matrix quick run setup test test-ends test-js test-py test-timeless types version

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

run: $(VENV)/.run .secret-key ## serve the demo on http://127.0.0.1:8000 (PORT= another port)
	@SECRET_KEY="$${SECRET_KEY:-$$(cat .secret-key)}" DEBUG="$${DEBUG:-1}" \
		exec $(BIN)/python manage.py demo --port $(PORT)

setup: $(VENV)/.dev ## install the Python packages with all extras

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo 'Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 …' >&2; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements/base.txt | $(BIN)/python
	@echo 'Installing what the demo needs into $(VENV) …'
	@$(PIP_INSTALL) --require-hashes -r requirements/base.txt
	@touch $@

$(VENV)/.dev: requirements/dev.txt pyproject.toml | $(BIN)/python
	@echo 'Installing what development needs into $(VENV) …'
	@# uv takes 3 s of CPU where pip takes 25. It does not read pip's configuration: where it reaches
	@# no index, pip installs everything.
	@awk '/^[^ #]/ { is_uv = /^uv==/ } is_uv' $< | $(PIP_INSTALL) --require-hashes -r /dev/stdin
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r $< || \
		$(PIP_INSTALL) --require-hashes -r $<
	@$(PIP_INSTALL) --no-build-isolation --editable .
	@touch $@

node_modules/.package-lock.json: package-lock.json .npmrc
	@echo 'Installing the checks of the browser client into node_modules …'
	@npm ci --loglevel=error >/dev/null
	@touch $@

.secret-key: | $(BIN)/python
	@umask 077 && $(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(50))' > $@

test: ## install what the tests need, then check everything
	@.ci/system-packages
	@$(MAKE) --no-print-directory --jobs=2 --output-sync lint test-js compiled
	@# Most tests wait for much of their time; what never looks at a clock runs in what they leave of it.
	@$(MAKE) --no-print-directory --jobs=4 NICELY='nice -n 19' types test-timeless test-ends test-py

# These compute and wait for no clock, so they may take as long as they like.
TIMELESS := tests/admin tests/guards tests/protocol tests/security tests/store/test_histogram.py \
	tests/store/test_log_machine.py tests/store/test_machine.py tests/test_architecture.py \
	tests/test_docs.py tests/test_house.py

# Most others wait for servers of their own, so one worker more than there are cores runs them. What
# allows fractions of a second comes when all else is over.
test-py: $(VENV)/.dev
	$(PYTEST) -n 3 -m 'not alone' $(TIMELESS:%=--ignore %)
	$(BIN)/python -m pytest -q -m alone tests/e2e

test-timeless: $(VENV)/.dev
	@mkdir -p build
	$(NICELY) $(BIN)/python -m pytest -q --timeout 900 $(TIMELESS) >build/timeless 2>&1 || { cat build/timeless; exit 1; }
	@tail -1 build/timeless

# The Django-facing tests on the lowest and the highest pair of a Python and a Django that are here.
test-ends: $(VENV)/.dev
	nice -n 10 $(BIN)/python -m tests.matrix --ends

# Imports every test once, so that the workers find compiled files and do not compile them anew.
compiled: $(VENV)/.dev
	@mkdir -p build
	@$(BIN)/python -m pytest --collect-only -qq >build/collected 2>&1 || { cat build/collected; exit 1; }

quick: $(VENV)/.dev ## the tests that start no server and no browser: less than a minute
	$(PYTEST) -n 2 --hypothesis-profile quick -m 'not server' --ignore tests/e2e --ignore tests/browser

# Half an hour each for the mutants and for chaos, unless MINUTES says otherwise.
MINUTES_EACH = $(if $(MINUTES),$(MINUTES),30)

deep: $(VENV)/.dev ## what takes hours: new random examples, browsers, mutants, churn, schedules, chaos (MINUTES=, SEED=)
	$(PYTEST) -n 2 --hypothesis-profile deep --timeout 7200 tests/protocol tests/worker/rooms \
		tests/store/test_machine.py tests/store/test_log_machine.py tests/store/test_histogram.py
	@.ci/system-packages engines || echo 'The tests of missing browsers are skipped.'
	$(BIN)/python -m tests.engines
	CHURN=20000 $(PYTEST) --timeout 1500 tests/e2e/test_churn.py
	$(BIN)/python -m tests.mutation --minutes $(MINUTES_EACH) $(if $(SEED),--seed $(SEED))
	$(BIN)/python -m tests.e2e.chaos --minutes $(MINUTES_EACH) $(if $(SEED),--seed $(SEED))
	$(BIN)/python -m tests.browser.schedules tabs --rounds 300 $(if $(SEED),--seed $(SEED))
	$(BIN)/python -m tests.browser.schedules components --rounds 100 $(if $(SEED),--seed $(SEED))

$(HOSTS)/.installed: requirements/hosts.txt
	@echo 'Installing servers, middleware and themes of others into $(HOSTS) …'
	@$(PYTHON) -m venv --clear $(HOSTS)
	@$(HOSTS)/bin/python $(PIP_OPTIONS) --require-hashes -r requirements/hosts.txt
	@touch $@

matrix: $(VENV)/.dev $(HOSTS)/.installed node_modules/.package-lock.json ## the Django-facing tests on every pair of Python and Django, and the slow ones
	$(BIN)/python -m tests.matrix
	$(PYTEST) -n 2 -m matrix --timeout 600

test-js: node_modules/.package-lock.json
	npm --silent test

lint: $(VENV)/.dev node_modules/.package-lock.json ## style, formatting, words, and the layers of imports
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/lint-imports --no-logo
	$(BIN)/python -m tests.word_list
	npm --silent run lint

types: $(VENV)/.dev node_modules/.package-lock.json ## mypy, and tsc on the browser client
	$(NICELY) $(BIN)/mypy
	$(NICELY) npm --silent run types

$(BENCH)/.installed: requirements/bench.txt
	@echo 'Installing what is measured into $(BENCH) …'
	@$(PYTHON) -m venv --clear $(BENCH)
	@$(BENCH)/bin/python $(PIP_OPTIONS) --require-hashes -r requirements/bench.txt
	@touch $@

$(NODE_PEER)/node_modules/.package-lock.json: $(NODE_PEER)/package-lock.json
	@echo 'Installing Socket.IO into $(NODE_PEER)/node_modules …'
	@npm --prefix $(NODE_PEER) ci --loglevel=error >/dev/null
	@touch $@

bench: $(BENCH)/.installed $(NODE_PEER)/node_modules/.package-lock.json ## measure ours beside others (QUICK=1: in minutes; OUTPUT=page)
	$(BENCH)/bin/python -m benchmarks $(if $(QUICK),--quick) $(if $(OUTPUT),--output $(OUTPUT))

$(DIST)/.installed: requirements/dist.txt
	@echo 'Installing what builds and checks the packages into $(DIST) …'
	@$(PYTHON) -m venv --clear $(DIST)
	@$(DIST)/bin/python $(PIP_OPTIONS) --require-hashes -r requirements/dist.txt
	@touch $@

dist: $(DIST)/.installed ## build sdist, wheel and npm tarball into dist/, and check them
	$(DIST)/bin/python -m release.dist

version: node_modules/.package-lock.json ## copy the version in realtime/__init__.py to the npm package and the bundles
	@$(PYTHON) -m release.version
	@npm --silent run bundles

$(DOCS)/.installed: requirements/docs.txt docs_site/package-lock.json
	@echo 'Installing what builds the site into $(DOCS) …'
	@$(PYTHON) -m venv --clear $(DOCS)
	@$(DOCS)/bin/python $(PIP_OPTIONS) --require-hashes -r requirements/docs.txt
	@npm --prefix docs_site ci --loglevel=error >/dev/null
	@touch $@

docs: $(DOCS)/.installed ## build the documentation as a site into build/site
	PYTHONPATH=. $(DOCS)/bin/mkdocs --quiet build --strict
	@echo 'Open build/site/index.html in a browser.'

chaos: $(VENV)/.dev ## break everything for ten minutes, and see that nothing is lost (MINUTES=, SEED=)
	$(BIN)/python -m tests.e2e.chaos $(if $(MINUTES),--minutes $(MINUTES)) $(if $(SEED),--seed $(SEED))

conformance: $(VENV)/.dev ## the Autobahn test suite on both servers, where a Python 2.7 is found
	$(BIN)/python -m tests.e2e.conformance

# The versions in the classifiers of pyproject.toml, each of which `make matrix` installs.
DJANGOS := $(shell sed -n 's/.*"Framework :: Django :: \(.*\)".*/\1/p' pyproject.toml)

# The index alone decides, whatever else this machine's configuration offers.
COMPILE = UV_NO_CONFIG=1 $(BIN)/uv pip compile --quiet --universal --generate-hashes \
	--no-emit-index-url --no-emit-find-links --custom-compile-command 'make lock' \
	$(if $(UPGRADE),--upgrade)
LOCK = $(COMPILE) --python-version 3.11

lock: $(VENV)/.dev ## write the lock files anew (UPGRADE=1 takes newer versions)
	$(LOCK) pyproject.toml --all-extras --output-file requirements/dev.txt
	$(LOCK) pyproject.toml --extra demo --constraints requirements/dev.txt --output-file requirements/base.txt
	$(LOCK) pyproject.toml --extra demo --extra uvicorn --group bench --constraints requirements/dev.txt \
		--output-file requirements/bench.txt
	$(LOCK) --group dist --constraints requirements/dev.txt --output-file requirements/dist.txt
	$(LOCK) --group docs --output-file requirements/docs.txt
	$(LOCK) pyproject.toml --all-extras --group hosts --constraints requirements/dev.txt \
		--output-file requirements/hosts.txt
	for version in $(DJANGOS); do echo "Django==$$version.*" | $(COMPILE) --python-version 3.12 \
		--no-deps --output-file requirements/django-$$version.txt - || exit 1; done
	npm $(if $(UPGRADE),update,install) --package-lock-only
	for folder in $(NODE_PROJECTS); do \
		npm --prefix $$folder $(if $(UPGRADE),update,install) --package-lock-only || exit 1; done

clean: ## remove what was installed or generated; the database and the key stay
	rm -rf $(VENV) node_modules $(NODE_PROJECTS:%=%/node_modules) build dist .mypy_cache .pytest_cache .ruff_cache .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
