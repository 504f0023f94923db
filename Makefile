# make demo : set up and run the main job      make test : set up and run the tests
# make check: lint and types                   make docs : build the documentation in build/site
# make clean: remove the environment
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
export OMP_NUM_THREADS ?= 1
unexport PYTHONDONTWRITEBYTECODE
# uv does not read pip's settings: hand it pip's extra wheel folder, where there is one
export UV_FIND_LINKS ?= $(or $(PIP_FIND_LINKS),$(shell $(PYTHON) -m pip config get global.find-links 2>/dev/null))
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt

.PHONY: demo test check docs setup constraints clean
demo: $(VENV)/.run  ; OMP_NUM_THREADS=$$(nproc 2>/dev/null || echo 2) $(BIN)/stsun demo
test: $(VENV)/.dev  ; $(BIN)/python -m pytest -n 2
check: $(VENV)/.dev ; $(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
docs: $(VENV)/.docs ; $(BIN)/python docs/gather.py build/pages && $(BIN)/zensical build --strict
setup: $(VENV)/.dev

$(BIN)/uv:
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check 'uv>=0.9'
$(VENV)/.run: pyproject.toml constraints.txt | $(BIN)/uv
	$(INSTALL) -e .
	@touch $@
$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/uv
	$(INSTALL) -e '.[dev]'
	@touch $@ $(VENV)/.run
$(VENV)/.docs: pyproject.toml constraints.txt | $(BIN)/uv
	$(INSTALL) -e '.[docs]'
	@touch $@ $(VENV)/.run
# one lock for every platform and Python >= 3.11; made without find-links, which would write a local build's tag
constraints: | $(BIN)/uv
	echo 'torch==2.13.0' > $(VENV)/pin.txt
	env -u UV_FIND_LINKS $(BIN)/uv pip compile -q pyproject.toml --extra dev --extra docs --universal --python-version 3.11 \
	    -c $(VENV)/pin.txt --no-annotate --no-header --no-emit-index-url -o constraints.txt
clean: ; rm -rf $(VENV)
