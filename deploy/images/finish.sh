#!/bin/sh
# finish.sh: compile what lies in /opt, which nobody can write later, and give each file the time of the release.
set -eu
rm -rf /opt/uv
# By hash and never checked: times of files differ between builds, and a read-only root does not change.
PYTHONHASHSEED=0 /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/venv /opt/stateroom
find /opt -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
