# The entry points of the project: `make` alone lists them. Each works on its own, on a fresh machine.

# `make lab PYTHON=/path/to/python3.12` chooses the interpreter; otherwise the first of these that runs.
PYTHON ?=
CANDIDATES := $(or $(PYTHON),python3.11 python3.12 python3.13 python3)

# `make test CONSTRAINTS=` takes the latest version of everything instead of the tested ones.
CONSTRAINTS ?= constraints.txt

# `make lab LAB_ARGS="--no-browser --port=9999"`, `make test PYTEST_ARGS="-x"`, `make test WORKERS=4`
LAB_ARGS ?=
LAB_ROOT ?= $(CURDIR)
PYTEST_ARGS ?=
WORKERS ?= 2

# One thread a process: on models this small, more threads on shared cores are many times slower.
# Flower and Jupyter would otherwise report to, or ask, a server; nothing here leaves this machine.
IN_VENV := env PATH="$(CURDIR)/.venv/bin:$$PATH" OMP_NUM_THREADS=1 FLWR_TELEMETRY_ENABLED=0 \
	FLWR_DISABLE_UPDATE_CHECK=1
PY := $(IN_VENV) .venv/bin/python
# A file's tests share what is slow to set up (a deployment, JupyterLab), so one process takes a whole file; in
# order of their names, the longest ones begin early.
BY_FILE := --dist loadfile --no-loadscope-reorder
NBVAL := $(PY) -m pytest -n $(WORKERS) --dist loadscope --nbval-lax --nbval-current-env --nbval-cell-timeout=600

# The stamp is written last, so a set-up that broke off is taken up again; it holds the folder's path,
# because an installation that was moved or copied would still run the code at the old place.
STAMP := .venv/installed-$(or $(subst /,-,$(CONSTRAINTS)),latest)
ifeq ($(shell .venv/bin/python -S -c "" 2>/dev/null && test "$$(cat $(STAMP) 2>/dev/null)" = "$$(pwd -P)" && echo ready),)
.PHONY: $(STAMP)
endif

.PHONY: help setup lab test build lint bench frameworks
.DEFAULT_GOAL := help

help:
	@echo "make setup   create .venv and install the course into it (repeating it is quick)"
	@echo "make lab     set up, then open JupyterLab at the first lesson"
	@echo "make test    set up, then check style, library, checkers and every notebook"
	@echo "make build   set up, then make the notebooks from solutions/*.py (runs them all)"
	@echo "make lint    set up, then check style alone"
	@echo "make bench   set up, then measure: round times, lessons, McMahan's table (over an hour at first)"
	@echo "make frameworks  set up, then build TFF's and PySyft's environments and record lesson 14's rows (3 GB)"

setup: $(STAMP)
	@echo "ready: .venv has the course and its tools"

$(STAMP): pyproject.toml $(CONSTRAINTS)
	@rm -f .venv/installed-*
	@.venv/bin/python -c "import sys, pip; sys.exit(sys.version_info < (3, 11))" 2>/dev/null && exit 0; \
	python=; tried=; hint=; \
	for candidate in $(CANDIDATES); do \
	  version=$$("$$candidate" -c "import sys; print('%d.%d' % sys.version_info[:2])" 2>/dev/null) || \
	    { tried="$$tried\n  $$candidate: does not run"; continue; }; \
	  "$$candidate" -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
	    { tried="$$tried\n  $$candidate: is Python $$version"; continue; }; \
	  "$$candidate" -c "import venv, ensurepip" 2>/dev/null || \
	    { tried="$$tried\n  $$candidate: is Python $$version, without its venv module"; \
	      hint="On Debian and Ubuntu, \`apt install python$$version-venv\` (or python3-venv) adds venv.\n"; continue; }; \
	  python="$$candidate"; break; \
	done; \
	if test -z "$$python"; then \
	  printf "The course needs Python 3.11 or newer with its venv module. Tried:$$tried\n$$hint" >&2; \
	  printf "Install one from python.org or your package manager, or name it: make lab PYTHON=/path/to/python3\n" >&2; \
	  exit 1; \
	fi; \
	echo "Creating .venv with $$python (Python $$version) ..."; \
	"$$python" -m venv --clear .venv
	@echo "Installing the course into .venv: a few minutes the first time, and about 2 GB ..."
	@.venv/bin/python -m pip install --disable-pip-version-check \
	  $(if $(CONSTRAINTS),-c $(CONSTRAINTS),--upgrade --upgrade-strategy eager) -e '.[dev]' || { \
	  printf "\nThe set-up did not finish: pip's last lines above say why. It needs a network and about 2 GB of\n" >&2; \
	  printf "disk, this once. The same command again goes on from here.\n" >&2; exit 1; }
	@mkdir -p .venv/share/jupyter/lab/settings && cp binder/overrides.json .venv/share/jupyter/lab/settings/
	@# Learners need no side bar for making assignments; instructors can enable it again.
	@.venv/bin/jupyter labextension disable --level=sys_prefix @jupyter/nbgrader >/dev/null 2>&1 || true
	@pwd -P > $(STAMP)

lab: $(STAMP)
	$(PY) -m jupyterlab --ServerApp.root_dir="$(LAB_ROOT)" --LabApp.default_url=/lab/tree/notebooks/00_start_here.ipynb \
	  --LabApp.extension_manager=readonly $(LAB_ARGS)

# Every part runs, whatever the ones before it said; the last lines tell which failed.
test: $(STAMP)
	@failed=0; report=; \
	part() { \
	  name="$$1"; shift; printf "\n== $$name\n"; \
	  if "$$@"; then result=passed; else result="FAILED (exit code $$?)"; failed=1; fi; \
	  report="$$report$$name: $$result\n"; \
	}; \
	part "style" $(PY) -m ruff check course solutions tests; \
	part "format" $(PY) -m ruff format --check --quiet course solutions tests; \
	part "library, checkers and house" $(PY) -m pytest -n $(WORKERS) $(BY_FILE) $(PYTEST_ARGS) tests; \
	part "learners' notebooks" $(NBVAL) $(PYTEST_ARGS) notebooks; \
	part "solved notebooks" env COURSE_STRICT=1 $(NBVAL) $(PYTEST_ARGS) solutions; \
	printf "\n$$report"; exit $$failed

build: $(STAMP)
	$(PY) -m course build

lint: $(STAMP)
	$(PY) -m ruff check course solutions tests
	$(PY) -m ruff format --check course solutions tests

# The rounds of McMahan et al. take half an hour, go on where they stopped, and are done at once when complete.
bench: $(STAMP)
	$(PY) -m pytest tests/benchmarks --benchmark-only -q $(PYTEST_ARGS)
	$(PY) tests/benchmarks/measure_lessons.py
	$(PY) tests/benchmarks/swap_answers.py
	COURSE_BROWSER_LESSONS=all $(PY) -m pytest -q tests/test_browser.py
	$(PY) tests/benchmarks/scaffold_deals.py
	$(PY) tests/benchmarks/secure_aggregation_costs.py
	$(PY) tests/benchmarks/hospital_seeds.py
	$(PY) tests/benchmarks/hospital_privacy.py
	$(PY) tests/benchmarks/trade_off_sweep.py
	$(PY) tests/benchmarks/audit_lab_scores.py
	$(PY) tests/benchmarks/mcmahan_2nn.py
	$(PY) tests/benchmarks/write_readme.py

# Environments of their own for what does not fit beside the course, in .venv-frameworks/; then every row of lesson
# 14 is recorded anew. An interrupted run goes on where it stopped; `FRAMEWORKS=tff` takes one environment alone.
FRAMEWORKS ?=
frameworks: $(STAMP)
	$(PY) -m course.frameworks.environments $(FRAMEWORKS)
