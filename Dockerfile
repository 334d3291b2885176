# Airflow 3.3.2 on Python 3.12: without its suffix the tag brings the runtime's default Python, which is another.
# Building on this image installs packages.txt as root and requirements.txt as astro, then copies the project
# to /usr/local/airflow (what .dockerignore leaves of it). Lines below run after that, as astro.
FROM astrocrpublic.azurecr.io/runtime:3.3-8-python-3.12

# Cosmos and dbt would otherwise tell of every run.
ENV AIRFLOW__COSMOS__ENABLE_TELEMETRY=False DO_NOT_TRACK=1

# The report's own interpreters. What they hold cannot be installed beside Airflow 3, nor under the image's constraints.
# --no-deps: the locks hold everything, and pip would refuse connexion[flask], of which they pin connexion.
RUN for name in astro_sdk:.venv-astro-sdk dbt:.venv-dbt; do \
      python -m venv "${name#*:}" && \
      env -u PIP_CONSTRAINT "${name#*:}/bin/pip" install --no-cache-dir --disable-pip-version-check --no-deps --require-hashes \
        -r "include/${name%%:*}/requirements.lock" || exit 1; \
    done
