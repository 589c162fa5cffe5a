#!/bin/sh
# Runs the studies of the grids in this folder, one after the other, and confirms each. A finished
# one is kept here at once, in a folder of its own, and checked. The same command continues after a
# stop, also one by kill.
#
#   nohup nice sh experiments/results/run.sh runs/field > field.log 2>&1 &
#
# Space 1 comes first, and random search with weight sharing last. One process at a time per folder.
set -eu

if [ $# -ne 1 ]; then
    echo "give one folder for the studies: sh experiments/results/run.sh runs/field" >&2
    exit 2
fi
runs=$1
here=$(dirname "$0")
mkdir -p "$runs"

study() { # GRID NAME
    oneshot-hpo launch "$here/$1.yaml" --dir "$runs/$1" --only "$2"
    oneshot-hpo export "$runs/$1/$2" --to folder --out "$here/$1_$2"
    oneshot-hpo check "$here/$1_$2"
}

for space in 1 2 3; do
    for searcher in darts gdas pc_darts; do
        study cifar10-small-cs2 "${searcher}_space-$space"
    done
done
for searcher in darts gdas pc_darts; do
    study cifar10-small-cs3 "${searcher}_space-1"
done
for searcher in darts sdarts_rs; do
    study cifar10-small-201 "${searcher}_nasbench201"
done
for space in 1 2 3; do
    study cifar10-small-cs2 "random_ws_space-$space"
done
