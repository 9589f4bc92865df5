#!/bin/sh
# tests/system/packages/debian.sh RELEASE OUT: build the Debian package twice in an empty system of
# that release, install it in another one, run a host there, and purge it. Prints times and sizes.
# Needs root and mmdebstrap. The base system is kept for the next time.
set -eu
release=$1 out=$2
base=${DEBIAN_BASE:-/var/tmp/ocsd-packages}/$release.tar
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
certificates=/etc/ssl/certs/ca-certificates.crt
started=$(date +%s)
mkdir -p "$(dirname "$base")" "$out"
say() { echo "$release: $* ($(($(date +%s) - started)) s)"; }

if [ ! -s "$base" ]; then
    mmdebstrap --variant=minbase --include=adduser,ca-certificates,python3,python3-venv "$release" \
        "$base" "$mirror"
    say "empty system made"
fi
scratch=$(mktemp -d /var/tmp/ocsd-debian-XXXXXX)
trap 'rm -rf "$scratch"' EXIT

unpack() {
    mkdir "$scratch/$1"
    tar -C "$scratch/$1" -xf "$base"
    cp /etc/resolv.conf /etc/hosts "$scratch/$1/etc/"
    cp $certificates "$scratch/$1$certificates"
}

inside() { # inside ROOT COMMAND: the mounts are gone with the command, however it ends
    root=$scratch/$1 && shift
    unshare --mount --pid --fork sh -c '
        root=$1 && shift
        mount -t proc proc "$root/proc"
        for folder in sys dev dev/pts dev/shm; do mount --bind "/$folder" "$root/$folder"; done
        exec env -i HOME=/root LANG=C.UTF-8 PATH=/usr/bin:/bin:/usr/sbin:/sbin TERM=dumb \
            PIP_CERT='$certificates' REQUESTS_CA_BUNDLE='$certificates' \
            OPENBLAS_CORETYPE="${OPENBLAS_CORETYPE:-}" SOURCE_DATE_EPOCH="${SOURCE_DATE_EPOCH:-}" \
            DEBIAN_FRONTEND=noninteractive chroot "$root" sh -ec "$*"
    ' sh "$root" "$@"
}

SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct)}
export SOURCE_DATE_EPOCH
wheel=$(ls "$out"/ocsd-*.whl)
unpack build
mkdir -p "$scratch/build/src/deploy" "$scratch/build/out"
cp -r deploy/debian "$scratch/build/src/deploy/"
cp -r constraints "$wheel" "$scratch/build/src/"
inside build "sh /src/deploy/debian/build.sh /src/$(basename "$wheel") /out"
deb=$(ls "$scratch"/build/out/*.deb)
say "built $(basename "$deb"), $(($(stat -c %s "$deb") / 1000000)) MB"
if [ -z "${ONCE:-}" ]; then
    mv "$deb" "$scratch/first.deb"
    inside build "sh /src/deploy/debian/build.sh /src/$(basename "$wheel") /out"
    cmp "$scratch/first.deb" "$deb" || {
        for each in "$scratch/first.deb" "$deb"; do dpkg-deb -R "$each" "$each.d"; done
        diff -r "$scratch/first.deb.d" "$deb.d" || true
        exit 1
    }
    say "built again, bit by bit the same"
fi
rm -rf "$scratch/build/opt"
cp "$deb" "$out/"

unpack host
cp "$deb" "$scratch/host/ocsd.deb"
inside host "dpkg --install /ocsd.deb"
size=$(du -sm "$scratch/host/opt/ocsd" | cut -f1)
say "installed, $size MB in /opt/ocsd"
cp tests/system/packages/host.sh "$scratch/host/host.sh"
inside host "sh /host.sh"
say "a host ran: router, recorder, agents, data"
inside host "
    echo '# mine' >>/etc/ocsd/default.yaml
    dpkg --remove ocsd
    test -f /etc/ocsd/default.yaml
    test ! -e /usr/bin/ocsd
    dpkg --purge ocsd
    test ! -e /etc/ocsd
    test ! -e /opt/ocsd
    test ! -e /var/log/ocsd
    test -d /var/lib/ocsd/data
"
say "purged: only the recorded data are left"
