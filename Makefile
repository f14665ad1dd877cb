# Everything a person types to work on Keepray. `make` alone prints this list.
#
# A stamp depends on locks and sources, never on the folder it makes, so that a second run does nothing.

UV := .uv/bin/uv
STAMPS := .stamps
PYTHON := .venv/bin/python
PORT ?= 8080
DATA ?= demo-data
# Three at a time, since one of them waits, each a file, begun in the order of tests/longest.py.
BESIDE := -n 3 --dist loadfile --no-loadscope-reorder
export UV_PYTHON_DOWNLOADS := never

VIEWER_SOURCES := $(shell find viewer -type f 2>/dev/null) $(wildcard vite.config.mjs) styles.mjs packed.mjs

.DEFAULT_GOAL := help
.PHONY: help setup run test test-all screens journeys lint types check interop bench translations wheel clean

help: ## print this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(STAMPS)/python $(STAMPS)/viewer $(STAMPS)/system ## install what run and test share; quick when nothing changed
	@:

run: setup ## start Keepray with sample scans on port 8080; PORT=8081 and DATA=folder may be given
	.venv/bin/phr demo --port $(PORT) --data $(DATA)

test: setup check ## check the code, then run the tests
	$(PYTHON) -m pytest $(BESIDE) -m "not thorough"

test-all: setup check ## the same, with what takes long: every page at every width, and in longer words
	$(PYTHON) -m pytest $(BESIDE)

journeys: setup ## let a scripted person take the main journeys on a slow line, and print target against measured
	$(PYTHON) -m tests.acceptance.journeys

screens: setup ## take a picture of every screen at 320, 768 and 1366 px; SHOW=folder says where to
	$(PYTHON) -m tests.acceptance.screens $(or $(SHOW),build/screens)

lint: $(STAMPS)/python ## look for faults, form and staircase of the Python code
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/lint-imports --cache-dir $(STAMPS)/imports

types: $(STAMPS)/python $(STAMPS)/viewer ## check the types of Python and TypeScript
	.venv/bin/pyright
	npm run --silent types

check: lint types ## everything that needs no test run

interop: setup $(STAMPS)/interop ## drive clients of other makers against a demo; ONLY=ohif picks, SHOW=folder keeps what was seen
	@sh tools/interop-packages || true
	$(PYTHON) -m interop $(ONLY) $(if $(SHOW),--show $(SHOW))

bench: setup ## measure this machine, beside Orthanc where it is installed; ONLY=frame picks, TURNS=3, FILLED=19000
	$(PYTHON) -m benchmarks $(if $(ONLY),--only $(ONLY)) $(if $(TURNS),--turns $(TURNS)) $(if $(FILLED),--filled $(FILLED))

bench-quick: setup ## the same in two minutes: fewer operations, fewer turns
	$(PYTHON) -m benchmarks --quick

translations: $(STAMPS)/python ## put new sentences into the catalogues under translations/, and say what lacks
	@$(PYTHON) tools/translations.py

wheel: $(STAMPS)/python $(STAMPS)/viewer ## build the wheel and the source archive into dist/
	$(UV) build --quiet --out-dir dist

clean: ## remove what was built, not what was installed or entered
	rm -rf dist build $(STAMPS) phr/static/viewer phr/static/site .pytest_cache .ruff_cache .hypothesis .coverage*

$(UV):
	@# Debian keeps venv in a package of its own.
	python3 -m venv .uv || { rm -rf .uv; test "$$(id -u)" = 0 && apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv >/dev/null && python3 -m venv .uv; }
	.uv/bin/pip install -q --disable-pip-version-check 'uv==0.13.9'

$(STAMPS)/python: pyproject.toml uv.lock | $(UV)
	$(UV) sync --frozen --all-extras --quiet
	@mkdir -p $(@D) && touch $@

$(STAMPS)/packages: package.json package-lock.json .npmrc
	npm ci --no-progress --silent
	@mkdir -p $(@D) && touch $@

$(STAMPS)/viewer: $(STAMPS)/packages $(VIEWER_SOURCES)
	npx --no-install vite build --logLevel error
	node styles.mjs phr/static/site
	@mkdir -p $(@D) && touch $@

$(STAMPS)/interop: interop/package.json interop/package-lock.json interop/.npmrc interop/fetch-ohif interop/ohif.sha512
	cd interop && npm ci --ignore-scripts --no-progress --silent
	sh interop/fetch-ohif
	@mkdir -p $(@D) && touch $@

$(STAMPS)/system: tools/system-packages
	@if sh tools/system-packages; then mkdir -p $(@D) && touch $@; fi
