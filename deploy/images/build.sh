#!/bin/sh
# Build the images with docker, podman or buildah, whichever works here.
#
# BUILDER chooses one of them, BASE_IMAGE what the images begin with; PIP_INDEX_URL and UV_DEFAULT_INDEX name a mirror.
set -eu
cd "$(dirname "$0")/../.."
version=$(sed -n 's/^version = "\(.*\)"$/\1/p' pyproject.toml)
revision=$(git rev-parse HEAD 2>/dev/null || echo unknown)
# What is built of the same commit has the same times.
SOURCE_DATE_EPOCH=$(git log -1 --format=%ct 2>/dev/null || echo 0)
export SOURCE_DATE_EPOCH

if [ -z "${BUILDER:-}" ]; then
  for BUILDER in docker podman buildah none; do
    if "$BUILDER" info >/dev/null 2>&1; then break; fi
  done
fi
case $BUILDER in
  docker) stamp= ;;
  podman | buildah) stamp="--timestamp $SOURCE_DATE_EPOCH" ;;
  *) echo 'Images are built with docker, podman or buildah, and none of them works here; install one of them.' >&2; exit 1 ;;
esac

build() { # NAME DOCKERFILE BASE
  echo "Building stateroom/$1:$version with $BUILDER …"
  # shellcheck disable=SC2086  # no, or two arguments
  "$BUILDER" build $stamp --file "deploy/images/$2.Dockerfile" --tag "stateroom/$1:$version" \
    ${3:+--build-arg "BASE_IMAGE=$3"} \
    ${PIP_INDEX_URL:+--build-arg PIP_INDEX_URL} ${UV_DEFAULT_INDEX:+--build-arg UV_DEFAULT_INDEX} \
    --build-arg "VERSION=$version" --build-arg "REVISION=$revision" \
    --build-arg "SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH" .
}

build services services "${BASE_IMAGE:-}"
build runner runner "${BASE_IMAGE:-}"
# Services with the tools of rooms, for one machine whose rooms are processes beside the workspace service.
build machine services "stateroom/runner:$version"
