# One host of a site in a container: ocsd with its router.
#
#     docker build -t ocsd .
#     docker run -v /etc/ocsd:/etc/ocsd:ro -v ocsd-data:/data -p 127.0.0.1:8001:8001 ocsd --host grumpy
#
# An image for agents alone needs no router, which is 100 packages:
#
#     docker build --build-arg EXTRAS= -t ocsd .
FROM python:3.11-slim-bookworm AS build
ARG EXTRAS=[router]
COPY . /src
RUN python -m venv /opt/ocsd && PIP_CONSTRAINT=/src/constraints/locked.txt \
    /opt/ocsd/bin/pip install --no-cache-dir "/src${EXTRAS}"

FROM python:3.11-slim-bookworm
# The numbers that OCS's images have, so that both can share volumes.
RUN groupadd --gid 9000 ocs && useradd --uid 9000 --gid ocs --groups dialout --create-home ocs \
    && install -d -o ocs -g ocs /data /run/ocsd /var/lib/ocsd /var/log/ocsd
COPY --from=build /opt/ocsd /opt/ocsd
ENV PATH=/opt/ocsd/bin:$PATH \
    RUNTIME_DIRECTORY=/run/ocsd STATE_DIRECTORY=/var/lib/ocsd LOGS_DIRECTORY=/var/log/ocsd
USER ocs
WORKDIR /data
STOPSIGNAL SIGTERM
ENTRYPOINT ["ocsd", "start"]
