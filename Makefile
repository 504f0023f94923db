# make demo : set up and run the main job      make test : set up and run the tests
# make check: lint and types                   make docs : build the documentation in build/site
# make fuzz : try the readers with odd inputs at length; FUZZ='--only YAML --seed 7' a part, other seeds other inputs
# make fuzz-guided: try one with inputs that are led by what code they reach; READER=card, FUZZ='--inputs 100000'
# make rivals-env: fetch U-Net and SegFormer for benchmarks/speed/rivals.py into build/rivals
# make sbom : list what is installed, as CycloneDX  make audit: hold it against known advisories
# make test-lowest, make test-newest: the tests with the oldest and the newest packages that pyproject.toml allows
# make clean: remove the environments
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin
export OMP_NUM_THREADS ?= 1
unexport PYTHONDONTWRITEBYTECODE
# uv does not read pip's settings: hand it pip's extra wheel folder, where there is one
export UV_FIND_LINKS ?= $(or $(PIP_FIND_LINKS),$(shell $(PYTHON) -m pip config get global.find-links 2>/dev/null))
INSTALL = $(BIN)/uv pip install --quiet --python $(BIN)/python -c constraints.txt

.PHONY: demo test check fuzz fuzz-guided rivals-env docs setup locked constraints licences audit sbom test-lowest \
    test-newest clean
demo: $(VENV)/.run  ; OMP_NUM_THREADS=$$(nproc 2>/dev/null || echo 2) $(BIN)/stsun demo
test: $(VENV)/.dev  ; $(BIN)/python -m pytest -n 2
check: $(VENV)/.dev ; $(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy
fuzz: $(VENV)/.dev  ; $(BIN)/python tests/reliability/fuzz.py $(FUZZ)
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
# for the continuous integration: the very files whose hashes are listed, and nothing else but torch, whose build for
# processors differs from place to place
locked: | $(BIN)/uv
	$(INSTALL) torch
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --require-hashes -r .ci/requirements.txt
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps -e .
	@touch $(VENV)/.run $(VENV)/.dev
# one lock for every platform and Python >= 3.11; made without find-links, which would write a local build's tag
constraints: | $(BIN)/uv
	echo 'torch==2.13.0' > $(VENV)/pin.txt
	env -u UV_FIND_LINKS $(BIN)/uv pip compile -q pyproject.toml --extra dev --extra docs --universal --python-version 3.11 \
	    -c $(VENV)/pin.txt --no-annotate --no-header --no-emit-index-url -o constraints.txt
	$(BIN)/uv pip compile -q pyproject.toml --extra dev --python-version 3.11 --generate-hashes \
	    --python-platform x86_64-manylinux_2_28 -c constraints.txt --no-annotate --no-header --no-emit-index-url \
	    --no-emit-find-links --no-emit-package torch -o .ci/requirements.txt
# apart from all else, as atheris has no builds for every platform and Python
READER ?= yaml
fuzz-guided: $(VENV)/.dev
	$(BIN)/uv pip install --quiet --python $(BIN)/python --target build/atheris 'atheris>=3,<4'
	PYTHONPATH=build/atheris $(BIN)/python tests/reliability/fuzz_guided.py $(READER) $(FUZZ)
# apart from all else, and without what they depend on: that would bring another torch (benchmarks/speed/peers.py)
rivals-env: $(VENV)/.dev
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --target build/rivals \
	    'torchvision==0.28.0' 'timm==1.0.31' 'segmentation-models-pytorch==0.6.0'
licences: $(VENV)/.dev ; $(BIN)/python docs/licences.py
audit: $(VENV)/.dev ; $(BIN)/python -m pytest tests/reliability/test_supply_chain.py
sbom: $(VENV)/.dev
	@mkdir -p build
	$(BIN)/uv tool run --quiet --from 'cyclonedx-bom>=7,<8' cyclonedx-py environment --pyproject pyproject.toml \
	    --mc-type library --output-reproducible --output-format JSON --output-file build/sbom.json $(BIN)/python
# each in an environment of its own; TESTS=tests/raster runs a part. torch is that of $(VENV): where only its build for
# processors is at hand, no other version can be had
TORCH = $(shell $(BIN)/python -c 'from importlib.metadata import version; print("torch==" + version("torch"))')
test-lowest: CHOICE = --resolution lowest-direct
test-newest: CHOICE = --upgrade
test-lowest test-newest: $(VENV)/.dev
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python $(VENV)/$@
	$(BIN)/uv pip install --quiet --python $(VENV)/$@/bin/python $(CHOICE) '$(TORCH)' -e '.[dev]'
	$(VENV)/$@/bin/python -m pytest -n 2 $(TESTS)
clean: ; rm -rf $(VENV)
