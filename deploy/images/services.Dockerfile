# The services, the gateway, the command, and the PostgreSQL and NATS of an installation that brings its own.
# `make images` builds it. Built on a runner's image instead of Debian's, it is a machine: services with the tools of rooms.
ARG BASE_IMAGE=debian:trixie-slim

FROM ${BASE_IMAGE} AS build
USER root
# Set to go through a mirror of the package index.
ARG PIP_INDEX_URL
ARG UV_DEFAULT_INDEX
ARG UV_VERSION=0.13.8
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt UV_SYSTEM_CERTS=1 UV_NO_CACHE=1 UV_LINK_MODE=copy
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
 && python3 -m venv /opt/uv \
 && /opt/uv/bin/pip install --no-cache-dir --disable-pip-version-check uv==${UV_VERSION}
WORKDIR /opt/stateroom
COPY LICENSE README.md pyproject.toml requirements.lock ./
COPY deploy/images/install.sh /opt/uv/
RUN sh /opt/uv/install.sh pyproject.toml --extra embedded --extra kubernetes
COPY chassis/ chassis/
COPY cli/ cli/
COPY embedded/ embedded/
COPY gateway/ gateway/
COPY gen/ gen/
COPY runner/ runner/
COPY services/ services/
COPY understudy/ understudy/
# Its version and its command come from its metadata; setuptools makes that, and goes.
RUN sed -n '/^setuptools==/,/[^\\]$/p' requirements.lock > /opt/uv/setuptools.txt \
 && /opt/uv/bin/uv pip install --quiet --python /opt/venv/bin/python --require-hashes -r /opt/uv/setuptools.txt \
 && /opt/uv/bin/uv pip install --quiet --python /opt/venv/bin/python --no-deps --no-build-isolation --editable . \
 && /opt/uv/bin/uv pip uninstall --quiet --python /opt/venv/bin/python setuptools \
 && rm -rf *.egg-info build
COPY deploy/images/finish.sh /opt/uv/
ARG SOURCE_DATE_EPOCH=0
RUN sh /opt/uv/finish.sh

FROM ${BASE_IMAGE}
USER root
# libnss-wrapper gives a name to user ids that have none, on which initdb insists.
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates libnss-wrapper python3 tzdata \
 && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* \
 && { grep -q ':10001:' /etc/passwd || { \
      echo 'stateroom:x:10001:10001::/var/lib/stateroom:/usr/sbin/nologin' >> /etc/passwd \
   && echo 'stateroom:x:10001:' >> /etc/group; }; } \
 && install -d -o 10001 -g 10001 -m 0700 /var/lib/stateroom /run/stateroom /etc/stateroom/keys \
      /etc/stateroom/parts/postgres /etc/stateroom/parts/nats /etc/stateroom/parts/migrate /etc/stateroom/parts/gateway \
      /etc/stateroom/parts/workspace /etc/stateroom/parts/session /etc/stateroom/parts/execution /etc/stateroom/parts/audit
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/stateroom /opt/stateroom
COPY deploy/images/sbom.py /usr/share/sbom/
ARG VERSION=0.0.0
ARG REVISION=unknown
RUN rm -rf /usr/share/sbom/stateroom.cdx.json \
 && /opt/venv/bin/python -P /usr/share/sbom/sbom.py services ${VERSION} /opt/venv > /usr/share/sbom/stateroom.cdx.json
LABEL org.opencontainers.image.title="Stateroom services" \
      org.opencontainers.image.description="Services, gateway and command of Stateroom: durable rooms for developers and agents" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /opt/stateroom
USER 10001:10001
ENTRYPOINT []
CMD ["stateroom", "--help"]
