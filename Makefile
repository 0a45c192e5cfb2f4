# Needs Python >= 3.11 and make; everything else goes into .venv.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
READY  := $(VENV)/.ready
NOTEBOOKS = $(wildcard notebooks/*.ipynb)
# on a shared machine more workers than cores only slow each other down
WORKERS ?= auto

.DEFAULT_GOAL := help
.PHONY: $(shell sed -nE 's/^([a-z-]+):.*/\1/p' Makefile)

help: ## print these targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## */\1\t/' | while IFS="$$(printf '\t')" read -r name text; do \
	  printf '  make %-19s %s\n' "$$name" "$$text"; done

setup: $(READY) ## make .venv and install the locked packages

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "k8sviz needs Python 3.11 or newer; try: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)

# uv is only for speed: where it cannot reach an index (a proxy, a company's certificates), pip does the same
$(READY): requirements.lock pyproject.toml hatch_build.py | $(VENV)/bin/python
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv || echo "no uv: using pip"
	$(BIN)/python -m uv pip install --quiet --python $(BIN)/python -r requirements.lock \
	  || $(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $(READY)

course: $(READY) ## open the course in JupyterLab (prints its address)
	$(BIN)/python -m k8sviz course

# nobody's own marks are in a stored notebook
notebooks: export K8SVIZ_PROGRESS := $(CURDIR)/$(VENV)/no-progress.json

quick: $(READY) ## after each change: all tests but the long ones, in a minute
	$(BIN)/python -m pytest -q -n $(WORKERS) -m "not ci and not slow and not live and not long"

test: $(READY) ## run all tests, and every notebook
	$(BIN)/python -m pytest -n $(WORKERS) -m "not ci and not slow and not live"
	@if [ -n "$(NOTEBOOKS)" ]; then \
	  $(BIN)/python -m pytest -n $(WORKERS) --dist loadfile -W default --nbval --nbval-sanitize-with tests/nbval.cfg $(NOTEBOOKS); \
	else echo "no notebooks yet"; fi

test-slow: $(READY) ## what takes more than a few seconds each: hostile servers in all modes, variations of attacks, papermill
	$(BIN)/python -m pytest -n $(WORKERS) -m "slow and not ci and not live"

test-browser: $(READY) ## the notebooks in a real JupyterLab, and the built site, in Chromium
	$(BIN)/python -m pytest -n 2 --dist loadfile -m ci tests/browser

test-binder: $(READY) ## all notebooks in a new environment made from binder/ alone
	$(BIN)/python -m pytest -m ci tests/test_binder.py

site: $(READY) ## build the course as a web site into build/site
	$(BIN)/python tools/make_site.py

pictures: $(READY) ## draw the README's pictures
	$(BIN)/python tools/pictures.py

notebooks-for-class: $(READY) ## the course without solutions and outputs, in build/class
	$(BIN)/python tools/class_notebooks.py

links: $(READY) ## make all links to Binder and the repository from its address in pyproject.toml
	$(BIN)/python tools/links.py

binder: $(READY) ## write binder/requirements.txt from requirements.lock
	$(BIN)/python tools/binder.py

test-live: $(READY) ## run the live tests on a real control plane, built with Go once (10 minutes the first time), or K8SVIZ_CONTEXT's
	@[ -n "$$K8SVIZ_CONTEXT" ] || tests/live/build.sh
	$(BIN)/python -m pytest -m live tests/live

test-real: $(READY) ## all labs on K8SVIZ_CONTEXT's cluster, which has real kubelets, beside their recordings
	@[ -n "$$K8SVIZ_CONTEXT" ] || { echo "name a cluster: K8SVIZ_CONTEXT=kind-k8sviz make test-real (see docs/clusters.md)"; exit 1; }
	$(BIN)/python tools/real.py $(LABS)

cluster: $(READY) ## a cluster for the labs, by whichever road is open here: kind, kwokctl, or a control plane built with Go
	$(BIN)/python tools/cluster.py

lint: $(READY) ## style, types and layers
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

# the views' scripts are typed by their comments; TypeScript reads them, and changes nothing
lint-js: ## the types of the views' JavaScript (where npm is)
	@if command -v npx >/dev/null; then npx --yes --package typescript@5.9 tsc -p k8sviz/views/jsconfig.json; \
	else echo "no npm here: the views' JavaScript is not checked"; fi

format: $(READY) ## lay out the code as lint wants it
	$(BIN)/ruff check --fix --select I .
	$(BIN)/ruff format .

conformance: $(READY) ## replay every lab's recording on the simulated cluster, and say where they differ
	$(BIN)/python -m tools.conformance

# make bench SKIP="others course" leaves parts out
bench: $(READY) ## measure the speed that the project promises, into bench/RESULTS.md
	$(BIN)/python tools/bench.py --skip $(SKIP)

SECONDS_OF_FUZZING ?= 600
fuzz: $(READY) ## feed everything that reads with hostile input, for ten minutes
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS_OF_FUZZING)

AUDIT := build/audit
$(AUDIT)/.ready: pyproject.toml | $(READY)
	@rm -rf $(AUDIT) && $(BIN)/python -m venv $(AUDIT)
	@$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check --upgrade pip
	@$(AUDIT)/bin/python -m pip install --quiet --disable-pip-version-check --group audit
	@touch $@

sbom: $(AUDIT)/.ready ## list the locked packages as CycloneDX, into build/sbom.cdx.json
	$(AUDIT)/bin/cyclonedx-py requirements requirements.lock --pyproject pyproject.toml --output-reproducible --output-file build/sbom.cdx.json

audit: $(AUDIT)/.ready ## ask whether a locked package has a known weakness
	@$(AUDIT)/bin/python tools/audit.py requirements.lock

fidelity: $(READY) ## count the predictions that answer as a real cluster did
	$(BIN)/python tools/fidelity.py

notebooks: $(READY) ## run all notebooks and store their outputs
	@for notebook in $(NOTEBOOKS); do \
	  $(BIN)/python -m jupyter nbconvert --to notebook --execute --inplace "$$notebook" || exit 1; done

lock: | $(VENV)/bin/python ## choose the newest packages and write requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check uv
	$(BIN)/python -m uv pip compile --quiet --universal --upgrade --python-version 3.11 --extra course --group dev \
	  --no-header --output-file requirements.lock pyproject.toml

wheel: $(READY) ## build the wheel into dist/
	$(BIN)/python -m build --no-isolation --outdir dist .

clean: ## remove what make made
	rm -rf $(VENV) dist build .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
