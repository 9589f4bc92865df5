# Two images. An agent's own Dockerfile builds on the first, see agents/:
#
#     docker build --target agent -t ocsd-agent .     an agent: no router, no recorder
#     docker build -t ocsd .                          a host: router, daemon, recorder, page
#
# docs/run/containers.md tells how to run them.

FROM debian:bookworm-slim AS base
RUN apt-get update \
    && apt-get install --yes --no-install-recommends python3 tini \
    && rm -rf /var/lib/apt/lists/* /var/cache/apt/* /var/log/apt /var/log/dpkg.log
# The numbers that OCS's images have, so that both can share volumes.
RUN groupadd --gid 9000 ocs && useradd --uid 9000 --gid ocs --groups dialout --create-home ocs

# uv takes a tenth of pip's time, for it keeps what it has built. It is in none of the images.
FROM base AS uv
RUN apt-get update && apt-get install --yes --no-install-recommends python3-pip-whl
RUN PYTHONPATH=$(echo /usr/share/python-wheels/pip-*.whl) \
    python3 -m pip install --no-cache-dir --target /opt/uv uv \
    && cp /usr/share/python-wheels/pip-*.whl /opt/uv/
# An agent records nothing, and so3g brings scipy, astropy and matplotlib: 400 MB.
COPY setup.cfg constraints/locked.txt /src/
RUN sed -i '/^    so3g/d' /src/setup.cfg && python3 -c 'import configparser; \
    settings = configparser.ConfigParser(); settings.read("/src/setup.cfg"); \
    print(settings["options"]["install_requires"])' >/src/agent.txt

FROM uv AS source
# A file of certificates, for networks that have their own.
ARG SSL_CERT_FILE
COPY . /checkout
RUN --mount=type=cache,target=/root/.cache/uv cp /src/setup.cfg /checkout/ \
    && python3 -m venv --without-pip /opt/ocsd \
    && UV_BUILD_CONSTRAINT=/src/locked.txt /opt/uv/bin/uv pip install --link-mode copy \
    --python /opt/ocsd/bin/python --no-deps --prefix /installed /checkout

FROM base AS agent
ARG SSL_CERT_FILE
# Other people's packages first: they change less often than ours.
COPY --from=uv /src/agent.txt /src/locked.txt /src/
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,from=uv,source=/opt/uv,target=/opt/uv \
    python3 -m venv --without-pip /opt/ocsd \
    && UV_BUILD_CONSTRAINT=/src/locked.txt /opt/uv/bin/uv pip install --link-mode copy \
    --python /opt/ocsd/bin/python --constraint /src/locked.txt /opt/uv/pip-*.whl -r /src/agent.txt \
    && find /opt/ocsd -depth -type d \( -path '*/numpy/*/tests' -o -path '*/twisted/*/test' \) \
    -exec rm -r {} +
RUN install -d -o ocs -g ocs /data /run/ocsd /var/lib/ocsd /var/log/ocsd
# The site file is mounted at /config.
ENV PATH=/opt/ocsd/bin:$PATH PYTHONUNBUFFERED=1 OCS_CONFIG_DIR=/config \
    RUNTIME_DIRECTORY=/run/ocsd STATE_DIRECTORY=/var/lib/ocsd LOGS_DIRECTORY=/var/log/ocsd
STOPSIGNAL SIGTERM
COPY --from=source /installed /opt/ocsd
# Users of the image cannot write compiled files. Compiled is what is imported here, and no more.
RUN python3 -c 'import ocsd.agent.runner, ocs.ocs_agent, ocs.ocs_twisted, ocs.site_config'
USER ocs
# tini reaps what others leave behind, and passes signals on. The program runs the instance of the
# site file that $INSTANCE_ID names, as that of OCS's image does.
ENTRYPOINT ["tini", "--", "ocs-agent-cli"]

FROM agent AS host
USER root
ARG SSL_CERT_FILE
RUN --mount=type=cache,target=/root/.cache/uv \
    --mount=type=bind,from=uv,source=/opt/uv,target=/opt/uv \
    UV_BUILD_CONSTRAINT=/src/locked.txt /opt/uv/bin/uv pip install --link-mode copy \
    --python /opt/ocsd/bin/python --constraint /src/locked.txt crossbar so3g \
    && find /opt/ocsd -depth -type d \( -path '*/scipy/*/tests' -o -path '*/matplotlib/tests' \) \
    -exec rm -r {} +
# Compiled is what is imported here: all of it would take 100 MB more.
RUN python3 -c 'import so3g, ocsd.daemon.assembly, ocsd.agent.runner, ocsd.aggregator.agent' \
    && crossbar version >/dev/null
# All logs of the host go to stdout. JSON tells which agent a line is of.
ENV OCSD_LOG_FORMAT=json
USER ocs
# A site file's relative paths of data are below it.
WORKDIR /data
VOLUME ["/data", "/var/lib/ocsd", "/var/log/ocsd"]
EXPOSE 8001 8002
# The daemon answers and its router works. One agent that is down is no reason to restart a host.
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s \
    CMD ocsd status router >/dev/null || exit 1
ENTRYPOINT ["tini", "--", "ocsd", "start"]
