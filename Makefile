# Still Running. `make` alone lists what there is.
# GNU make 3.81 or newer (macOS ships that one), a POSIX shell, Python 3.11 or newer; nothing else has to be there.

VENV    := .venv
PYTHON  := $(VENV)/bin/python
PORT    ?= 8501
OPEN    ?= yes
WORKERS ?= 2
ARGS    ?=

.DEFAULT_GOAL := help
.PHONY: help run demo test check bench nightly proof screenshots venv install install-dev browser

help: ## list what there is
	@echo 'Still Running: pain, weekly mileage and cadence in one picture.'
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile
	@echo
	@echo '  PORT=8600 serves elsewhere, OPEN=no opens no browser, ARGS="-k cadence" is handed to pytest.'

run: install ## serve the app; makes the demo clinic first if there is no database
	@$(PYTHON) -c "$$PORT_FREE" $(PORT)
	@$(PYTHON) -m data demo --if-missing
	@echo "Still Running: http://127.0.0.1:$(PORT)   (Ctrl-C stops it)"
	@[ '$(OPEN)' = no ] || $(PYTHON) -c "$$OPEN_BROWSER" $(PORT) >/dev/null 2>&1 &
	@$(PYTHON) -m uvicorn dashboard:app --host 127.0.0.1 --port $(PORT) --no-access-log || [ $$? -eq 130 ]

demo: install ## make the demo clinic, if there is no database
	@$(PYTHON) -m data demo --if-missing

test: check browser ## everything that must hold: check, then all tests (in a real browser too)
	$(PYTHON) -m pytest -n $(WORKERS) --dist loadfile $(ARGS)

check: install-dev ## lint, format, types
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy

bench: install-dev ## speed, each figure beside its goal
	$(PYTHON) -m benchmarks

nightly: install-dev ## the properties of the clinical rules, 10,000 examples each (an hour or two)
	HYPOTHESIS_PROFILE=ten_thousand $(PYTHON) -m pytest -n $(WORKERS) --dist load $(wildcard tests/test_rehab_*.py tests/test_flags_*.py) $(ARGS)

proof: install-dev browser ## try to break the promises, at full size; writes docs/proof.md (about an hour)
	$(PYTHON) -m benchmarks.proof

screenshots: install-dev browser ## take the pictures of the docs from the real app
	$(PYTHON) -m docs.screenshots

# A list of packages is installed once: the copy of it in the environment says which one is there.
install: venv
	@$(call installed,requirements.txt)

install-dev: install
	@$(call installed,requirements-dev.txt)

# uv alone would not believe a clinic's own certificate authority
export UV_NATIVE_TLS := 1

define installed
cmp -s $(1) $(VENV)/$(1) && exit 0; \
echo 'Installing $(1), once; this takes a minute.'; rm -f $(VENV)/$(1); \
if command -v uv >/dev/null 2>&1; then uv pip install --quiet --compile-bytecode --python $(PYTHON) -r $(1); \
else $(PYTHON) -m pip install --quiet --disable-pip-version-check --no-input --retries 5 -r $(1); fi && cp $(1) $(VENV)/$(1)
endef

venv:
	@sh -c "$$MAKE_VENV"

browser: install-dev
	@$(PYTHON) -m tests.browser

# An environment in .venv: by uv where it is installed, else by Python's own venv. One that does not run any more is made anew.
define MAKE_VENV
$(PYTHON) -c '' 2>/dev/null && exit 0
rm -rf $(VENV)
command -v uv >/dev/null 2>&1 && exec uv venv --quiet --python '>=3.11' $(VENV)
for python in python3 python3.14 python3.13 python3.12 python3.11; do
  "$$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 || continue
  if "$$python" -c 'import venv, ensurepip' >/dev/null 2>&1; then
    echo "Making $(VENV) with $$("$$python" --version)."
    exec "$$python" -m venv $(VENV)
  fi
  bare="$$bare $$python"
done
if [ -n "$$bare" ]; then
  echo "Python is there (as$$bare), but without its venv module. On Debian and Ubuntu:  sudo apt-get install python3-venv"
else
  echo "Still Running needs Python 3.11 or newer, and there is none."
  echo "On Debian and Ubuntu:  sudo apt-get install python3 python3-venv     On macOS:  brew install python@3.13"
fi >&2
exit 1
endef
export MAKE_VENV

define PORT_FREE
import socket, sys
with socket.socket() as probe:
    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        probe.bind(("127.0.0.1", int(sys.argv[1])))
    except OSError as error:
        sys.exit(f"Port {sys.argv[1]} cannot be used ({error.strerror}). Serve on another one: make run PORT=8600")
endef
export PORT_FREE

# Only where a person would see it; whatever goes wrong here stops nothing.
define OPEN_BROWSER
import os, sys, time, urllib.request, webbrowser
seen = sys.platform == "darwin" or os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")
address = f"http://127.0.0.1:{sys.argv[1]}"
for _ in range(60 if seen else 0):
    try:
        urllib.request.urlopen(f"{address}/_stcore/health", timeout=2)
    except OSError:
        time.sleep(0.5)
    else:
        webbrowser.open(address)
        break
endef
export OPEN_BROWSER
