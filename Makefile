# make repro: environment and pipeline.  make test: environment and tests.
PYTHON ?= python3
VENV := .venv
# DVC runs the stages through the shell: their python must be the environment's.
RUN := PATH="$(CURDIR)/$(VENV)/bin:$$PATH"

# Tests run side by side, one a core. Each keeps to one thread, or they would fight for the cores.
PYTEST := OMP_NUM_THREADS=1 python -m pytest -n logical --maxprocesses 4 --dist worksteal

.PHONY: repro test test-slow coverage lint lock upgrade schema help

help:
	@echo "make repro      run the pipeline: data, training, evaluation, report"
	@echo "make test       the tests (about 10 minutes on 2 cores, once installed)"
	@echo "make test-slow  the tests that train for minutes"
	@echo "make coverage   the share of the code that the tests run, by file"
	@echo "make lint       ruff and mypy"
	@echo "make lock       add to the locked packages what pyproject.toml newly asks for"
	@echo "make upgrade    lock the newest packages that pyproject.toml allows"
	@echo "make schema     write params.schema.json from the typed parameters"

repro: $(VENV)/.installed
	@$(RUN) python -m reprise.params --check
	@$(RUN) dvc repro

test: $(VENV)/.installed-dev
	@$(RUN) $(PYTEST) -m "not slow" --durations 50

test-slow: $(VENV)/.installed-dev
	@$(RUN) $(PYTEST) -m slow --durations 50

coverage: $(VENV)/.installed-dev
	@$(RUN) $(PYTEST) -m "not slow" --cov --cov-report term:skip-covered --cov-report html

lint: $(VENV)/.installed-dev
	@$(RUN) ruff check . && $(RUN) ruff format --check . && $(RUN) mypy && MYPYPATH=benchmarks $(RUN) mypy benchmarks

schema: $(VENV)/.installed
	@$(RUN) python -m reprise.params > params.schema.json

# --no-deps: the lock names every package, and leaves out a second build of OpenCV.
$(VENV)/.installed: requirements.txt pyproject.toml
	@echo "Installing the locked packages into $(VENV) (about 6 GB, some minutes)"
	@test -x $(VENV)/bin/python || $(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/python -m pip install --no-deps --require-hashes -r requirements.txt
	@$(VENV)/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.installed requirements-dev.txt
	@$(VENV)/bin/python -m pip install --no-deps --require-hashes -r requirements-dev.txt
	@touch $@

COMPILE := uv pip compile --universal --generate-hashes --python-version 3.11 --quiet \
	--no-header --no-annotate --no-emit-index-url --no-emit-find-links pyproject.toml
upgrade: COMPILE += --upgrade
lock upgrade: $(VENV)/.installed-dev
	@$(RUN) $(COMPILE) -o requirements.txt
	@$(RUN) $(COMPILE) --extra dev --extra web -c requirements.txt -o requirements-dev.txt
