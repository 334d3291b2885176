# Airflow 3.3.2 on Python 3.12: without its suffix the tag brings the runtime's default Python, which is another.
# Building on this image installs packages.txt as root and requirements.txt as astro, then copies the project
# to /usr/local/airflow (what .dockerignore leaves of it). Lines below run after that, as astro.
FROM astrocrpublic.azurecr.io/runtime:3.3-8-python-3.12
