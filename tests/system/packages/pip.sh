#!/bin/sh
# tests/system/packages/pip.sh RELEASE OUT: install ocsd with pip as README says, with all that it
# needs, from a clone, from the wheel and from the sdist in OUT; each in an empty system of that
# release, where it then records. Prints times and sizes. Needs what empty.sh needs, and git.
# Modules are compiled when they are imported, to save minutes; pip would compile all of them.
set -eu
release=$1 out=$2
. "$(dirname "$0")/empty.sh"
locked=$PWD/constraints/locked.txt

try() { # try KIND FILE: FILE is installed; nothing else of ocsd is in that system
    kind=$1 file=$2
    unpack "$kind"
    site=$scratch/$kind/site
    mkdir "$site"
    cp -r "$file" tests/system/packages/main_job.sh "$site/"
    source="/site/$(basename "$file")"
    if [ "$kind" = clone ]; then
        constraints=$source/constraints/locked.txt
    else
        cp "$locked" "$site/"
        constraints=/site/locked.txt
    fi
    began=$(date +%s)
    inside "$kind" "
        python3 -m venv /site/.venv
        . /site/.venv/bin/activate
        pip install --quiet --disable-pip-version-check --no-compile -c $constraints '$source[router]'
    "
    size=$(du -sm "$site/.venv" | cut -f1)
    say "$kind installed in $(($(date +%s) - began)) s, $size MB"
    rm -rf "${site:?}/$(basename "$file")"
    offline "$kind" "
        cd /site
        . .venv/bin/activate
        ocsd init site.yaml --host empty
        sh main_job.sh empty --site-file site.yaml
    "
    say "$kind ran: router, recorder, agents, data"
    rm -rf "${scratch:?}/$kind"
}

git clone --quiet . "$scratch/ocsd"
rm -rf "$scratch/ocsd/.git"
try clone "$scratch/ocsd"
try wheel "$(ls "$out"/ocsd-*.whl)"
try sdist "$(ls "$out"/ocsd-*.tar.gz)"
