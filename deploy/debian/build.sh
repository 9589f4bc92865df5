#!/bin/sh
# deploy/debian/build.sh WHEEL OUT: make the Debian package of a wheel for the Debian that runs this.
#
# Needs root, python3-venv and dpkg-deb, best in an empty system of that release: the package holds a
# virtual environment in /opt/ocsd for that release's Python. tests/system/packages/debian.sh does so.
# The versions in it are those of constraints/locked.txt. SOURCE_DATE_EPOCH sets all times.
set -eu
wheel=$(realpath "$1") out=$(realpath "$2")
here=$(dirname "$(realpath "$0")")
: "${SOURCE_DATE_EPOCH:?set it to the time of the commit}"
export SOURCE_DATE_EPOCH PYTHONDONTWRITEBYTECODE=1
umask 022
. /etc/os-release
python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])')
next=$(python3 -c 'import sys; print("%d.%d" % (sys.version_info[0], sys.version_info[1] + 1))')
version=$(basename "$wheel" | cut -d- -f2)

# The paths in it are absolute, so it is made where it will be.
rm -rf /opt/ocsd
python3 -m venv /opt/ocsd
PIP_CONSTRAINT="$here/../../constraints/locked.txt" /opt/ocsd/bin/pip install --quiet --no-compile \
    --use-pep517 --disable-pip-version-check "ocsd[router] @ file://$wheel"
# 80 MB that nothing imports: tests of other packages, and pip's own.
find /opt/ocsd -depth -type d \( -path '*/numpy/*/tests' -o -path '*/twisted/*/test' \
    -o -path '*/scipy/*/tests' -o -path '*/matplotlib/tests' -o -path '*/astropy/*/tests' \
    -o -name __pycache__ \) -exec rm -r {} +
# Where it was built says nothing, and differs from build to build.
rm -f /opt/ocsd/lib/python*/site-packages/ocsd-*.dist-info/direct_url.json
sed -i '/direct_url.json/d' /opt/ocsd/lib/python*/site-packages/ocsd-*.dist-info/RECORD

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
mkdir -p "$root/DEBIAN" "$root/opt" "$root/usr/bin" "$root/etc/ocsd" "$root/usr/share/doc/ocsd"
cp -a /opt/ocsd "$root/opt/"
share=/opt/ocsd/share
ln -s /opt/ocsd/bin/ocsd "$root/usr/bin/ocsd"
install -D --mode 644 -t "$root/lib/systemd/system" $share/ocsd/systemd/*.service
install -D --mode 644 -t "$root/usr/share/man/man1" $share/man/man1/*.1
gzip --no-name --best "$root"/usr/share/man/man1/*.1
install -D --mode 644 -t "$root/usr/share/bash-completion/completions" \
    $share/bash-completion/completions/ocsd
install -D --mode 644 "$here/default.yaml" "$root/etc/ocsd/default.yaml"
(cd / && ln -s /opt/ocsd/lib/python*/site-packages/ocsd/documents "$root/usr/share/doc/ocsd/pages")
install --mode 644 "$here/copyright" "$root/usr/share/doc/ocsd/copyright"
install --mode 755 -t "$root/DEBIAN" "$here/postinst" "$here/prerm" "$here/postrm"
echo /etc/ocsd/default.yaml >"$root/DEBIAN/conffiles"
# Of the files only: how large a folder is depends on its past.
size_kb=$(find "$root" -type f -printf '%s\n' | awk '{ sum += $1 } END { print int(sum / 1024) }')
cat >"$root/DEBIAN/control" <<CONTROL
Package: ocsd
Version: $version-1~$VERSION_CODENAME
Architecture: $(dpkg --print-architecture)
Maintainer: The ocsd founders <ocsd@localhost>
Installed-Size: $size_kb
Depends: python3 (>= $python), python3 (<< $next~), adduser
Section: science
Priority: optional
Description: supervisor of an observatory's agents, one daemon per host
 ocsd reads the site file of an Observatory Control System (OCS), starts every
 agent of its host, keeps them alive, and records what they publish.
 .
 Everything is in a virtual environment of its own, /opt/ocsd.
CONTROL
find "$root" -exec touch --no-dereference --date "@$SOURCE_DATE_EPOCH" {} +
dpkg-deb --root-owner-group -Zzstd -z9 --build "$root" "$out"
