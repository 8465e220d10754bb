#!/bin/sh
# Belay never runs as root. A container may begin as root, because a volume that is mounted afresh
# (Fly's) belongs to root: then only the volume is handed over, and every right is dropped.
set -eu
account=65532
state=/data

if [ "$(id -u)" -ne 0 ]; then
  exec tini -s -- belay "$@"
fi
chown "$account:$account" "$state"
exec setpriv --reuid="$account" --regid="$account" --clear-groups \
  --inh-caps=-all --bounding-set=-all --no-new-privs \
  tini -s -- belay "$@"
