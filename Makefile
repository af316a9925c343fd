# Two commands from clone to tables: make run · make test
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= 8080
export PYTHONPATH := $(CURDIR):$(CURDIR)/plugins
export DO_NOT_TRACK := 1
# Doubles the start-up time of every process; some container images set it.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: run ui test lint status stop clean why rollback unpin bench docs new-source quarantine requeue retain erase help
.DEFAULT_GOAL := help

# SOURCE=planted: that source's own settings, with a lake and extracts of their own.
ifneq ($(wildcard docs/sources/$(SOURCE)/segmentation.yml),)
run ui status clean why rollback unpin docs quarantine requeue retain erase: export SEGMENTATION_SETTINGS := $(CURDIR)/docs/sources/$(SOURCE)/segmentation.yml
endif

help:            ## what there is to call
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 12

run: $(VENV)/ok  ## from clone to published tables, for the settings' last day (or DAY=YYYY-MM-DD, KNOWN_ON=…, SOURCE=planted)
	@$(BIN)/python -m pipeline run $(if $(DAY),--day $(DAY)) $(if $(KNOWN_ON),--known-on $(KNOWN_ON))

ui: $(VENV)/ok   ## Airflow with its UI on PORT (8080)
	@$(BIN)/python -m pipeline ui --port $(PORT)

test: $(VENV)/ok ## all tests but the long ones (ONLY='-m long' for these, ONLY='-m "not slow and not long"' for the quick ones)
	@$(BIN)/python -m pytest $(ONLY)

lint: $(VENV)/ok ## ruff and sqlfluff
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/sqlfluff lint --processes 0 dbt_project/models

status: $(VENV)/ok ## what is published, what runs
	@$(BIN)/python -m pipeline status

stop: $(VENV)/ok ## stop the local Airflow
	@$(BIN)/python -m pipeline stop

clean:           ## stop, and remove the lake, the extracts and Airflow's files (keeps the environment)
	@test ! -x $(BIN)/python || $(BIN)/python -m pipeline clean

why: $(VENV)/ok  ## CUSTOMER=… : the customer's features, cuts and reasons
	@$(BIN)/python -m pipeline why "$(CUSTOMER)"

rollback: $(VENV)/ok ## pin BI to an older day (DAY=YYYY-MM-DD, or the one before), until make unpin
	@$(BIN)/python -m pipeline rollback $(if $(DAY),--day $(DAY))

unpin: $(VENV)/ok ## let BI follow the newest audited day again
	@$(BIN)/python -m pipeline unpin

bench: $(VENV)/ok ## the pipeline without Airflow beside its peers (LINES=1000000)
	@$(BIN)/python bench/run.py --lines $(or $(LINES),1000000) $(BENCH)

quarantine: $(VENV)/ok ## what is held in quarantine, by file and reason
	@$(BIN)/python -m pipeline quarantine

requeue: $(VENV)/ok ## SOURCE=… EXTRACT=… FILE=… [RECORDS=3,17] TO=file, to put records right · FROM=file DAY=… to release them
	@$(BIN)/python -m pipeline requeue --source "$(SOURCE)" --extract "$(EXTRACT)" --file "$(FILE)" \
	  $(if $(RECORDS),--records $(RECORDS)) $(if $(TO),--to "$(TO)") $(if $(FROM),--from "$(FROM)") $(if $(DAY),--day $(DAY)) \
	  $(if $(ANYWAY),--anyway)

retain: $(VENV)/ok ## DAY=… : let go of what was sent longer ago than the settings keep it
	@$(BIN)/python -m pipeline retain --day "$(DAY)"

erase: $(VENV)/ok ## SOURCE=… CUSTOMER=… DAY=… : one person out of every layer, and search for what is left
	@$(BIN)/python -m pipeline erase --source "$(SOURCE)" --customer "$(CUSTOMER)" --day "$(DAY)"

new-source: $(VENV)/ok ## NAME=… : declaration, models and header files of a new source, to fill in
	@$(BIN)/python -m pipeline new-source "$(NAME)"

docs: $(VENV)/ok ## the tables' documentation as one HTML page
	@$(BIN)/python -m pipeline docs

# Only the project's own environment is emptied first: another's, given as VENV=, may hold more than ours.
ifeq ($(abspath $(VENV)),$(CURDIR)/.venv)
VENV_READY = $(PYTHON) -m venv --clear $(VENV)
else
VENV_READY = test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
endif

$(VENV)/ok: requirements.lock
	@$(PYTHON) -c 'import sys; v = sys.version_info[:2]; sys.exit(0 if (3, 11) <= v <= (3, 13) else "Python %d.%d found; 3.11, 3.12 or 3.13 wanted: make PYTHON=python3.12 …" % v)'
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { echo "python3-venv is missing: apt-get install python3-venv"; exit 1; }
	@echo "Installing the locked packages into $(VENV) (once, about a minute) · 正在安装依赖"
	@$(VENV_READY)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@
