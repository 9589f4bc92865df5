# tests/system/packages/empty.sh: empty systems of Debian, for the scripts beside it. They set `release`
# and `out` (the folder of packages). Needs root, mmdebstrap and iproute2.
# The base system, and what pip has fetched and built, are kept for the next time.
set -eu
kept=${DEBIAN_BASE:-/var/tmp/ocsd-packages}
base=$kept/$release.tar
mirror=${DEBIAN_MIRROR:-http://deb.debian.org/debian}
certificates=/etc/ssl/certs/ca-certificates.crt
started=$(date +%s)
mkdir -p "$kept/pip" "$out"
say() { echo "$release: $* ($(($(date +%s) - started)) s)"; }

if [ ! -s "$base" ]; then
    mmdebstrap --variant=minbase --include=adduser,ca-certificates,python3,python3-venv "$release" \
        "$base.part" "$mirror"
    mv "$base.part" "$base"
    say "empty system made"
fi
scratch=$(mktemp -d /var/tmp/ocsd-packages-XXXXXX)
trap 'rm -rf "$scratch"' EXIT

unpack() { # unpack NAME: make an empty system
    mkdir "$scratch/$1"
    tar -C "$scratch/$1" -xf "$base"
    cp /etc/resolv.conf /etc/hosts "$scratch/$1/etc/"
    cp $certificates "$scratch/$1$certificates"
    mkdir -p "$scratch/$1/root/.cache/pip"
}

inside() { # inside NAME COMMAND: mounts and processes are gone with the command, however it ends
    enter "" "$@"
}

offline() { # offline NAME COMMAND: the same, with a network of its own that reaches nothing
    enter --net "$@"
}

enter() {
    own_network=$1 root=$scratch/$2 && shift 2
    # shellcheck disable=SC2086 # nothing or an option
    unshare --mount --pid --fork $own_network sh -ec '
        root=$1 cache=$2 own_network=$3 && shift 3
        if [ -n "$own_network" ]; then ip link set lo up; fi
        mount -t proc proc "$root/proc"
        for folder in sys dev dev/pts dev/shm; do mount --bind "/$folder" "$root/$folder"; done
        mount --bind "$cache" "$root/root/.cache/pip"
        exec env -i HOME=/root LANG=C.UTF-8 PATH=/usr/bin:/bin:/usr/sbin:/sbin TERM=dumb \
            PIP_CERT='$certificates' REQUESTS_CA_BUNDLE='$certificates' \
            OPENBLAS_CORETYPE="${OPENBLAS_CORETYPE:-}" DEBIAN_FRONTEND=noninteractive \
            ${SOURCE_DATE_EPOCH:+SOURCE_DATE_EPOCH=$SOURCE_DATE_EPOCH} chroot "$root" sh -ec "$*"
    ' sh "$root" "$kept/pip" "$own_network" "$@"
}
