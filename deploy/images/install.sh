#!/bin/sh
# install.sh SOURCE [OPTION …]: install what SOURCE asks for into /opt/venv.
#
# The lock holds more than an image needs. So the versions are chosen by what it says, and it has to know a hash of each
# file as well: what is not in it, or is another file, is refused. Nothing is compiled.
set -eu
python3 -m venv --without-pip /opt/venv
chosen=$(mktemp)
/opt/uv/bin/uv pip compile --quiet --python /opt/venv/bin/python --constraint requirements.lock \
  --no-annotate --no-header --output-file "$chosen" "$@"
/opt/uv/bin/uv pip install --quiet --python /opt/venv/bin/python --require-hashes --no-deps --only-binary :all: \
  --constraint requirements.lock --requirements "$chosen"
