#!/bin/sh
# tests/system/packages/main_job.sh HOST [OPTIONS]: start the host of a site file, record, stop.
# The options, such as --site-file, are those of ocsd. Data are expected in the folder data.
set -eu
host=$1 && shift
ocsd check --host "$host" --deep "$@"
ocsd start -d --host "$host" "$@"
i=0
until ocsd status && ocsd data ls 2>/dev/null | grep -q fake-data1; do
    i=$((i + 1))
    test $i -lt 60 || { ocsd status; ocsd logs -n 20; exit 1; }
    sleep 1
done
ocsd stop --yes
test -n "$(find data -name '*.g3')"
