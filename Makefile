# The one door for developers. Every target makes what it needs first; nothing but Python ≥ 3.11, make and git is assumed.

.DEFAULT_GOAL := help
.PHONY: help run run-celery test test-all chaos bench bench-quick check up down status logs airflow data services lock clean format scale doctor
.PHONY: k8s-up k8s-check k8s-status k8s-logs k8s-secret k8s-down
.PHONY: export-config image-test compose-test sbom
.PHONY: dbt-manifest run-report docs pictures verify password
.NOTPARALLEL:
MAKEFLAGS += --no-print-directory

VARIABLES := DAG CONF API URL URI CONN OUT EXECUTOR ROWS FILE REPLACE NAME ARGS ROUNDS SEED PYTHON BASE ENGINE \
	AIRFLOW_PORT API_PORT S3_PORT S3_ADMIN_PORT POSTGRES_PORT STACK_HOME \
	GIT_REPO GIT_REF GIT_SSH_KEY KEY K8S_HOME
DAG ?= wildfires_small_to_s3
CONF ?= {}
# A URL may have a $$, as in $$skip=20, which make would take for a variable.
ifdef URL
override URL := $(value URL)
endif
export $(VARIABLES)

# A misspelt variable would be ignored without a word. What resembles none may be a field of a run's CONF.
GIVEN := $(foreach name,$(.VARIABLES),$(if $(filter command,$(origin $(name))),$(name)))
UNKNOWN := $(filter-out -% MAKE% $(VARIABLES),$(GIVEN))
ifneq ($(UNKNOWN),)
NEAREST = $(or $(shell python3 -c 'import difflib, sys; \
	print(*difflib.get_close_matches(sys.argv[1].upper(), sys.argv[2:], 1))' '$(1)' $(VARIABLES)),CONF)
$(error Unknown variable: $(foreach name,$(UNKNOWN),$(name) (did you mean $(call NEAREST,$(name))?)). \
	Variables: $(VARIABLES). Fields of a run go into CONF='{"format": "parquet"}')
endif

BOOTSTRAP := sh services/local/bootstrap.sh
PY := .venv-make/bin/python
STACK := $(PY) -m services.local
AUDIT := $(PY) -m pip_audit --no-deps --disable-pip --progress-spinner=off
# The stack with its tests, which has what the images get, and the report's two interpreters.
LOCKS := requirements/bootstrap.lock requirements/test.lock include/astro_sdk/requirements.lock include/dbt/requirements.lock \
	docs/requirements.lock
K8S := $(PY) -m services.kubernetes
# Two processes: one for the tests of running stacks, which mostly wait, and one for all others.
PYTEST := $(PY) -m pytest -n 2 --no-loadscope-reorder

help: ## Show this list
	@echo "Usage: make <target> [VARIABLE=value …]"; echo
	@sed -n 's/^\([a-z][a-z0-9-]*\):.*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS="$$(printf '\t')" read -r name text; do printf '  %-14s %s\n' "$$name" "$$text"; done
	@echo; echo "Ports: AIRFLOW_PORT=8080 API_PORT=8000 S3_PORT=8333 S3_ADMIN_PORT=23646 POSTGRES_PORT=5433"
	@echo "State: STACK_HOME=.stack     Interpreter: PYTHON=python3"

run: ## Run one DAG from nothing to verified objects (DAG=… ROWS=… CONF='{"format": "parquet"}' or @file, API=…)
	@$(BOOTSTRAP) run
	@exec $(STACK) run --dag "$$DAG" --conf "$$CONF" $${ROWS:+--rows "$$ROWS"} $${REPLACE:+--replace} $${API:+--api "$$API"}

verify: ## Read a dataset or a run back: every object, row and hash (URI=s3://bucket/dataset or …/run/_manifest.json)
	@$(BOOTSTRAP) run
	@exec $(STACK) verify $${URI:+--uri "$$URI"}

probe: ## Ask an API how it is copied: its settings, a DAG file, its columns (URL=… CONN=… OUT=settings.json)
	@$(BOOTSTRAP) run
	@exec $(STACK) probe $${CONN:+--conn "$$CONN"} $${OUT:+--out "$$OUT"} -- "$$URL"

run-celery: DAG = wildfires_to_s3
run-celery: ## The full dataset with CeleryExecutor: three workers, Valkey (DAG=… ROWS=195000 CONF=…)
	@$(BOOTSTRAP) test
	@set -- $${ROWS:+--rows "$$ROWS"}; [ "$$#" -gt 0 ] || set -- --full; \
		exec $(STACK) run --executor CeleryExecutor --dag "$$DAG" --conf "$$CONF" $${REPLACE:+--replace} "$$@"

run-report: ## Copy, load, transform, publish, end to end, and compare every total (ROWS=1880465 CONF=…)
	@$(BOOTSTRAP) report
	@exec $(STACK) run-report --conf "$$CONF" $${ROWS:+--rows "$$ROWS"} $${REPLACE:+--replace}

test: ## The tests that guard data: engine, DAGs, the real scheduler, short faults (ARGS="-k …" is given to pytest)
	@$(BOOTSTRAP) test
	@$(PYTEST) $(ARGS)

test-all: ## All tests: those, and browser, Celery, Kubernetes, long faults, the report, benchmarks
	@$(BOOTSTRAP) report
	@$(PYTEST) tests $(ARGS)

chaos: ## Copy through faults of network, store and processes, and check every value (ROUNDS=200 SEED=1)
	@$(BOOTSTRAP) test
	@exec $(PY) -m tests.faults.chaos --rounds "$${ROUNDS:-50}" --seed "$${SEED:-1}" $(ARGS)

scale: ## Measure how a run grows with rows and maps, and model it; writes docs/scale.md (twenty minutes; ARGS="--rows 20000 200000")
	@$(BOOTSTRAP) test
	@exec $(PY) -m tests.scale $(ARGS)

doctor: ## Find what keeps copies from working, and say what to do (exit status 1 if there is something)
	@$(BOOTSTRAP) test
	@exec $(STACK) doctor

bench: ## Measure the copies beside other ways to do it, against the bars; writes docs/benchmarks.md (twenty minutes)
	@$(BOOTSTRAP) test
	@exec $(PY) -m benchmarks $(ARGS)

bench-quick: ## The same on less in three minutes; the page is written to .stack/benchmarks/
	@$(BOOTSTRAP) test
	@exec $(PY) -m benchmarks --profile quick --out "$${STACK_HOME:-.stack}/benchmarks" $(ARGS)

docs: ## Build the site of the documents into .site/html; a broken link or a missing piece of code ends it
	@$(BOOTSTRAP) docs
	@exec .venv-docs/bin/python -m services.site

pictures: ## Take all pictures of docs/ anew, from a real run of everything, and time Lake with 1,000 batches
	@$(BOOTSTRAP) report
	@exec $(PY) -m tests.browser.pictures

check: ## Lint, formatting, types, shell scripts, Dockerfiles, manifests, workflows, known vulnerabilities, the documents' site
	@$(BOOTSTRAP) test
	@$(BOOTSTRAP) docs
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	@report=$$(.venv-make/bin/lint-imports --no-cache) && echo "imports: fine" || { echo "$$report"; exit 1; }
	$(PY) -m mypy
	@git ls-files -co --exclude-standard '*.sh' .ci/run | xargs .venv-make/bin/shellcheck && echo "shell scripts: fine"
	@git ls-files -co --exclude-standard '*Dockerfile' | xargs .venv-make/bin/hadolint && echo "Dockerfiles: fine"
	@git ls-files -co --exclude-standard 'k8s/*.yaml' ':!k8s/kind.yaml' ':!k8s/values*' | \
		xargs .venv-make/bin/kubernetes-validate --quiet --strict && echo "Kubernetes manifests: fine"
	@.venv-make/bin/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@.venv-make/bin/check-jsonschema --quiet --builtin-schema vendor.dependabot .github/dependabot.yml
	@.venv-make/bin/zizmor --offline --quiet --persona pedantic .github && echo "workflows: fine"
	@.venv-docs/bin/python -m services.site && echo "documents: fine"
	@# pip-audit takes an index without advisories for one without vulnerabilities: first a package that has some.
	@if echo requests==2.19.0 | $(AUDIT) --requirement /dev/stdin 2>/dev/null | grep -Eq 'PYSEC|GHSA|CVE'; \
		then failed=0; for lock in $(LOCKS); do echo "$$lock"; $(AUDIT) --requirement "$$lock" || failed=1; done; exit $$failed; \
		else echo "packages: NOT audited: this machine's package index has no advisories"; fi

sbom: ## Write what each lock installs into sbom/, as CycloneDX
	@$(BOOTSTRAP) test
	@# Known vulnerabilities are in it too, and no reason not to write it.
	@mkdir -p sbom; for lock in $(LOCKS); do \
		file="sbom/$$(echo "$${lock%.lock}" | tr / -).cdx.json"; rm -f "$$file"; \
		$(AUDIT) --format cyclonedx-json --output "$$file" --requirement "$$lock"; \
		grep -q '"components"' "$$file" || { echo "$$lock: the package index says nothing of it" >&2; exit 1; }; done

format: ## Format the code and apply the lint's own fixes
	@$(BOOTSTRAP) test
	@$(PY) -m ruff check --fix . ; $(PY) -m ruff format .

up: ## Start the whole stack and leave it up (EXECUTOR=CeleryExecutor: with three workers)
	@$(BOOTSTRAP) report
	@$(STACK) up $${EXECUTOR:+--executor "$$EXECUTOR"}

services: ## Start the S3 store, the API and the warehouse alone (for `astro dev start --standalone`)
	@$(BOOTSTRAP) run
	@$(STACK) services

down: ## Stop what is up, and whatever a killed command left behind
	@$(BOOTSTRAP) run
	@$(STACK) down

status: ## Show what is up, where, and how much memory it takes
	@$(BOOTSTRAP) run
	@$(STACK) status

password: ## Print the logins of Airflow and of the S3 page
	@$(BOOTSTRAP) run
	@$(STACK) password

logs: ## Show the end of the logs (NAME=scheduler for one)
	@$(BOOTSTRAP) run
	@$(STACK) logs $(NAME)

airflow: ## Airflow's own command line on the stack that is up (ARGS='pools list')
	@$(BOOTSTRAP) run
	@$(STACK) airflow $(ARGS)

data: ## Choose the rows of the API: FILE=<the real file>, or ROWS=1880465 generated ones (REPLACE=1: unasked)
	@$(BOOTSTRAP) run
	@$(STACK) data $${ROWS:+--rows "$$ROWS"} $${FILE:+--file "$$FILE"} $${REPLACE:+--replace}

export-config: ## Write the connections of a deployment into .deploy/, in every form (FILE=.env.production)
	@$(BOOTSTRAP) run
	@exec $(STACK) export-config $${FILE:+--file "$$FILE"}

image-test: ## Build the image and run the tests inside it (BASE=… ENGINE=… ARGS=…; Error 3: it cannot be built here)
	@$(BOOTSTRAP) test
	@$(PY) -m pytest -s -x tests/images/image.py

compose-test: ## Start the compose files, copy through each and verify (BASE=…; Error 3: Docker is missing)
	@$(BOOTSTRAP) test
	@$(PY) -m pytest -s -x tests/images/compose.py

k8s-up: ## Make a kind cluster with Airflow, store and source in it (DAGs from Git: GIT_REPO=… GIT_SSH_KEY=…)
	@$(BOOTSTRAP) run
	@exec $(K8S) up $${GIT_REPO:+--git-repo "$$GIT_REPO"} $${GIT_REF:+--git-ref "$$GIT_REF"} \
		$${GIT_SSH_KEY:+--git-ssh-key "$$GIT_SSH_KEY"}

k8s-check: ## Run DAGs on both executors in the cluster, and verify tasks, logs, objects and manifest
	@$(BOOTSTRAP) test
	@exec $(PY) -m pytest tests/kubernetes/live.py

k8s-status: ## Show what is up in the cluster, and where
	@$(BOOTSTRAP) run
	@$(K8S) status

k8s-logs: ## Show the end of the cluster's logs (NAME=scheduler for one)
	@$(BOOTSTRAP) run
	@$(K8S) logs $${NAME:+"$$NAME"}

k8s-secret: ## Print one value of one secret of the cluster (NAME=airflow-admin KEY=password)
	@$(BOOTSTRAP) run
	@$(K8S) secret "$$NAME" "$$KEY"

k8s-down: ## Remove the cluster and everything that was made for it
	@$(BOOTSTRAP) run
	@$(K8S) down

dbt-manifest: ## Write include/dbt/manifest.json anew, after a change of the dbt project
	@$(BOOTSTRAP) report
	@$(STACK) dbt-manifest

lock: ## Compile the lock files anew from their *.in (ARGS=--upgrade for newer versions)
	@$(BOOTSTRAP) lock $(ARGS)

clean: ## Stop the stack; remove it, its data and the .venv folders
	@if [ -x $(PY) ]; then $(STACK) down; fi
	@home="$${STACK_HOME:-.stack}"; \
		if [ -f "$$home/made-by-wildfire-lake" ] && [ ! -L "$$home" ]; then rm -rf "$$home"; \
		elif [ -e "$$home" ]; then echo "$$home was not made by the stack: remove it yourself" >&2; fi
	@rm -rf .site .cache .venv-make .venv-docs .venv-astro-sdk .venv-dbt .pytest_cache .ruff_cache .mypy_cache .hypothesis
