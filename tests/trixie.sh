#!/bin/sh
# tests/trixie.sh COMMAND…: run a command in a clone of this checkout on Debian trixie, with its
# Python 3.13. Needs root, mmdebstrap and git. The folder of the system is kept for the next time.
# What is not committed is not in the clone.
set -eu
root=${TRIXIE_ROOT:-/var/tmp/ocsd-trixie}
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
packages=python3,python3-venv,python3-dev,gcc,libc6-dev,make,git,procps,ca-certificates
certificates=/etc/ssl/certs/ca-certificates.crt

if [ ! -e "$root/usr/bin/python3" ]; then
    mmdebstrap --variant=minbase --include=$packages trixie "$root" "$mirror"
fi
cp /etc/resolv.conf /etc/hosts "$root/etc/"
cp $certificates "$root$certificates"
if [ ! -e "$root/ocsd" ]; then
    git clone --quiet . "$root/ocsd"
fi
git -C "$root/ocsd" fetch --quiet "$PWD" HEAD
git -C "$root/ocsd" checkout --quiet --detach FETCH_HEAD
# The mounts are gone with the command, however it ends.
exec unshare --mount sh -c '
    root=$1 && shift
    for folder in proc sys dev dev/pts dev/shm; do mount --bind "/$folder" "$root/$folder"; done
    exec env -i HOME=/root LANG=C.UTF-8 PATH=/usr/bin:/bin:/usr/sbin:/sbin TERM=dumb \
        PIP_CERT='$certificates' REQUESTS_CA_BUNDLE='$certificates' \
        OPENBLAS_CORETYPE="${OPENBLAS_CORETYPE:-}" \
        chroot "$root" sh -c "cd /ocsd && exec \"\$@\"" sh "$@"
' sh "$root" "$@"
