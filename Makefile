# The course's commands. `make` alone lists them.

VENV ?= .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
LAB_FLAGS ?=
LESSONS ?= notebooks/[0-9]*.ipynb

# Progress bars do not belong in stored outputs and logs.
check test run notebooks coverage: export TQDM_DISABLE = 1

# Tests run side by side, each with one thread: twice as fast as one after another with all cores. One more than there are
# cores, since some wait. A lesson may need 2 GB.
check test test-browser coverage: export OMP_NUM_THREADS = 1
WORKERS = $(shell $(BIN)/python -c "from gluon_cnn._core.startup import available_cores; print(available_cores() + 1)")
PARALLEL ?= -n $(WORKERS) --maxprocesses 4 --dist worksteal

.DEFAULT_GOAL := help
.PHONY: help lab install style check test run site test-browser data notebooks bench parity test-all coverage lock clean rebuild

help: ## list these commands
	@echo "make [VARIABLE=value] COMMAND"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo "Variables: PYTHON (interpreter for .venv; default: the newest of 3.14 to 3.10), COURSE (en or zh; default: the locale's), LAB_FLAGS (for JupyterLab), LESSONS (files), PARALLEL (for pytest)"

# Without a screen JupyterLab only prints its address; root has to be allowed, as in containers.
NO_BROWSER := $(if $(or $(DISPLAY),$(WAYLAND_DISPLAY),$(filter Darwin,$(shell uname -s))),,--no-browser)
AS_ROOT := $(if $(filter 0,$(shell id -u)),--allow-root)

# The course in Chinese, if there is such a lesson, or in English: by default as the locale says.
COURSE ?= $(if $(filter zh%,$(firstword $(LC_ALL) $(LC_MESSAGES) $(LANG))),zh,en)
START = $(or $(wildcard $(addprefix notebooks/,$(addsuffix /00_start_here.ipynb,$(filter zh,$(COURSE))))),notebooks/00_start_here.ipynb)

lab: export GLUON_CNN_LANGUAGE = $(if $(filter notebooks/zh/%,$(START)),zh,en)
lab: $(STAMP) ## open the course in JupyterLab (the first time: install it into .venv)
	@case "$(COURSE)" in en|zh) ;; *) echo "COURSE is en or zh; got $(COURSE)"; exit 2;; esac
	$(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/$(START) $(NO_BROWSER) $(AS_ROOT) $(LAB_FLAGS)

install: $(STAMP) ## install the course into .venv, without opening it

style: $(STAMP) ## run ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: style ## while you work: run ruff, mypy and the package's tests that are not slow (under two minutes)
	$(BIN)/python -m pytest $(PARALLEL) -m "not slow" tests

# The short lessons come last, so that no core waits for the other at the end.
SHORT := notebooks/00% notebooks/01% notebooks/02% notebooks/15%
LONG_FIRST = $(filter-out $(SHORT),$(wildcard $(LESSONS))) $(filter $(SHORT),$(wildcard $(LESSONS)))

test: style ## run ruff, mypy, the package's tests and every lesson against its stored outputs
	$(BIN)/python -m pytest $(PARALLEL) tests
	$(BIN)/python -m pytest $(PARALLEL) --dist loadfile --no-loadscope-reorder --nbval --nbval-current-env $(LONG_FIRST)

TO_PAGE = PYTHONPATH=docs/lesson_page $(BIN)/jupyter nbconvert --log-level=ERROR --to html --template lesson_page \
  --TemplateExporter.extra_template_basedirs=docs --CoalesceStreamsPreprocessor.enabled=True \
  --HTMLExporter.preprocessors=mathml.MathML

run: $(STAMP) ## execute every lesson from top to bottom; notebooks and pages go to build/course/
	@mkdir -p build/course
	@failed=; for notebook in $(LESSONS); do \
	  test -f "$$notebook" || { echo "there is no lesson $$notebook"; exit 1; }; \
	  name=$$(basename $$notebook .ipynb); log=build/course/$$name.log; start=$$(date +%s); \
	  printf '%s ... ' "$$name"; \
	  if $(BIN)/papermill --no-progress-bar --cwd notebooks $$notebook build/course/$$name.ipynb > $$log 2>&1 \
	    && $(TO_PAGE) build/course/$$name.ipynb >> $$log 2>&1; \
	  then echo "$$(( $$(date +%s) - start )) s: build/course/$$name.html"; rm $$log; \
	  else echo "failed, see $$log:"; tail -n 15 $$log; failed=1; fi; \
	done; test -z "$$failed"

site: $(STAMP) ## build a site of the lessons, the reference and the docs in build/site, to read without running
	$(INSTALL) --quiet --editable ".[site]"
	rm -rf build/site build/doctrees
	$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going -c docs -d build/doctrees . build/site
	@echo "build/site/index.html"

test-browser: site ## in Chromium: run lessons in JupyterLab as a user does, read the site; screenshots go to docs/images
	$(INSTALL) --quiet --editable ".[browser]"
	$(BIN)/python -m pytest -n 2 --dist loadfile tests/browser

data: $(STAMP) ## find the full Fashion-MNIST or download it (30 MB)
	$(BIN)/gluon-cnn data

notebooks: $(STAMP) ## execute every lesson, or LESSONS=notebooks/05*, store the outputs, and write the Chinese edition
	$(BIN)/jupyter nbconvert --execute --inplace --ExecutePreprocessor.record_timing=False $(LESSONS)
	$(BIN)/jupyter nbconvert --to notebook --inplace --coalesce-streams $(LESSONS) # it would not while executing
	$(BIN)/python tests/fresh.py $(LESSONS)
	$(BIN)/python notebooks/zh/build.py --figures $(LESSONS) docs/*.md

# PyTorch and others, apart from the course's environment
OTHERS := build/bench

bench: $(STAMP) $(OTHERS)/.installed ## time training, prediction and the way to a result against PyTorch (about 25 minutes)
	$(BIN)/python benchmarks/speed/run.py --tasks train --torch-python $(OTHERS)/bin/python
	for size in 64 1; do $(BIN)/python benchmarks/speed/run.py --tasks predict --batch-size $$size \
	  --launches 1 --rounds 5 --contenders fused int8 onnxruntime pytorch_last --torch-python $(OTHERS)/bin/python \
	  --output build/predict_$$size.json || exit 1; done
	$(BIN)/python benchmarks/speed/run.py --networks lenet resnet --contenders ours notes imperative half_the_cores \
	  plain_channels callers_team --output build/measures.json
	$(BIN)/python benchmarks/speed/time_to_result.py --torch-python $(OTHERS)/bin/python

parity: $(STAMP) $(OTHERS)/.installed ## compare every layer and network with PyTorch and PaddlePaddle: outputs, gradients, statistics
	$(BIN)/python benchmarks/parity/ours.py build/parity
	$(OTHERS)/bin/python benchmarks/parity/theirs.py build/parity
	$(OTHERS)/bin/python -m pytest -q -ra -p no:cacheprovider -c /dev/null --rootdir benchmarks \
	  benchmarks/parity/test_torch.py benchmarks/parity/test_paddle.py benchmarks/parity/test_fragments.py
	$(BIN)/python -m pytest -q benchmarks/parity/test_from_torch.py

$(OTHERS)/.installed: benchmarks/requirements.txt $(STAMP)
	@echo "Making $(OTHERS) with PyTorch and PaddlePaddle, whose packages may take some GB"
	$(BIN)/python -m venv $(OTHERS)
	$(OTHERS)/bin/pip install --disable-pip-version-check --quiet --requirement benchmarks/requirements.txt
	$(OTHERS)/bin/pip install --disable-pip-version-check --quiet $(PADDLE) || echo "$(PADDLE) does not install here: left out"
	@touch $@

PADDLE := paddlepaddle==3.3.1

test-all: $(STAMP) ## run the package's tests in every Python from 3.10 to 3.14 that is installed, see noxfile.py
	$(INSTALL) --quiet nox
	$(BIN)/nox

coverage: $(STAMP) ## run the package's tests and tell which lines and branches none of them reaches
	$(BIN)/python -m pytest $(PARALLEL) tests --cov gluon_cnn --cov-branch --cov-report term-missing:skip-covered --cov-fail-under 95

lock: $(STAMP) ## choose the newest versions that fit together and write requirements.txt
	@mkdir -p build
	{ echo '# The exact versions of all that `make` installs, for each Python. Made by: make lock'; \
	  echo $(MXNET) uv nox | tr ' ' '\n' | $(BIN)/uv pip compile --universal --python-version 3.10 --all-extras --upgrade \
	  --no-emit-index-url --no-emit-find-links --no-annotate --no-header --quiet pyproject.toml -; } > build/requirements.txt
	mv build/requirements.txt requirements.txt

clean: ## remove .venv, build/ and all caches
	rm -rf $(VENV) .nox build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis .coverage
	find . \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

# Another interpreter than the one .venv was made with makes it anew.
ifneq ($(PYTHON),)
ifneq ($(shell $(PYTHON) --version 2>&1),$(shell $(BIN)/python --version 2>&1))
$(STAMP): rebuild
endif
endif

# pyproject.toml tells uv to ignore that mxnet excludes NumPy 2; pip cannot be told. requirements.txt holds the versions.
MXNET := mxnet==1.9.1
INSTALL = $(MIRROR) $(BIN)/uv pip install --python $(BIN)/python --constraint requirements.txt
# uv reads no settings of pip: the mirror that you set for pip serves here, too.
MIRROR = $(addprefix UV_DEFAULT_INDEX=,$(or $(UV_DEFAULT_INDEX),$(shell $(BIN)/pip config get global.index-url 2> /dev/null)))

PYTHONS := $(or $(PYTHON),python3.14 python3.13 python3.12 python3.11 python3.10 python3 python)
FITS := import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 14))

$(STAMP): pyproject.toml requirements.txt
	@for p in $(PYTHONS); do \
	  if "$$p" -c '$(FITS)' 2> /dev/null; then \
	    fits=$$p; if "$$p" -c 'import ensurepip, venv' 2> /dev/null; then python=$$p; break; fi; \
	  fi; \
	done; \
	if [ -z "$$fits" ]; then \
	  echo "The course needs Python 3.10 to 3.14, and none was found (looked for: $(PYTHONS))."; \
	  echo "Install one (Debian and Ubuntu: sudo apt-get install python3 python3-venv) or name it: make lab PYTHON=/path/to/python3.12"; \
	  exit 1; \
	fi; \
	if [ -z "$$python" ]; then \
	  echo "$$fits cannot make virtual environments. On Debian and Ubuntu: sudo apt-get install python3-venv"; exit 1; \
	fi; \
	case "$$(uname -s)-$$(uname -m)" in Linux-x86_64|Linux-aarch64|Darwin-x86_64) ;; *) \
	  echo "There is no mxnet 1.9.1 for $$(uname -s) on $$(uname -m): open the course in its container, see docs/environment.md."; \
	  exit 1;; \
	esac; \
	echo "Making $(VENV) with $$("$$python" --version) (about 1.3 GB; a minute or two the first time)"; \
	"$$python" -m venv --clear $(VENV)
	$(BIN)/pip install --disable-pip-version-check --quiet "$$(grep '^uv==' requirements.txt)"
	$(INSTALL) --compile-bytecode --editable ".[course,dev,export,pretrained]" $(MXNET)
	@$(BIN)/jupyter labextension disable --level=sys_prefix "@jupyterlab/apputils-extension:announcements" > /dev/null 2>&1
	@touch $@
	@echo "Installed. Next: make lab"
