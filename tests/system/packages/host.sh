#!/bin/sh
# Runs in an empty system with the package: the user ocs starts the example host and records.
set -eu
test "$(stat -c %U /var/lib/ocsd)" = ocs
id -nG ocs | grep -qw dialout
for file in /lib/systemd/system/ocsd.service /etc/ocsd/default.yaml \
    /usr/share/man/man1/ocsd-start.1.gz /usr/share/bash-completion/completions/ocsd; do
    test -s "$file" || { echo "$file is missing"; exit 1; }
done
grep -q ^ExecStart=/opt/ocsd/bin/ocsd /lib/systemd/system/ocsd.service
mkdir -p /run/ocsd && chown ocs:ocs /run/ocsd
cat >/as_ocs <<'SCRIPT'
set -eu
export RUNTIME_DIRECTORY=/run/ocsd STATE_DIRECTORY=/var/lib/ocsd LOGS_DIRECTORY=/var/log/ocsd
cd /var/lib/ocsd
sh /main_job.sh localhost
SCRIPT
setpriv --reuid ocs --regid ocs --init-groups sh /as_ocs
