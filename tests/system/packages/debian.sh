#!/bin/sh
# tests/system/packages/debian.sh RELEASE OUT: build the Debian package of the wheel in OUT in an empty
# system of that release, twice (once with ONCE=1), install it in another one, run a host there, and
# purge it. Prints times and sizes. Needs what empty.sh needs.
set -eu
release=$1 out=$2
. "$(dirname "$0")/empty.sh"

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
cp "$deb" "$out/"
rm -rf "$scratch/build"

unpack host
cp "$out/$(basename "$deb")" "$scratch/host/ocsd.deb"
offline host "dpkg --install /ocsd.deb"
size=$(du -sm "$scratch/host/opt/ocsd" | cut -f1)
say "installed, $size MB in /opt/ocsd"
cp tests/system/packages/host.sh tests/system/packages/main_job.sh "$scratch/host/"
offline host "sh /host.sh"
say "a host ran: router, recorder, agents, data"
offline host "
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
