#!/bin/sh
# Trains supernets of the size of the study `cifar10-small`, scores 1,000 cells of each space under
# each, and keeps the rows of every analysis in the folder `supernets` here. The same command
# continues after a stop. An analysis that is kept already is not made again.
#
#   nohup nice sh experiments/results/supernets.sh runs/supernets > supernets.log 2>&1 &
#
# Space 1 comes first. One process at a time per folder.
set -eu

if [ $# -ne 1 ]; then
    echo "give one folder for the supernets: sh experiments/results/supernets.sh runs/supernets" >&2
    exit 2
fi
runs=$1
kept=$(dirname "$0")/supernets
mkdir -p "$runs" "$kept"

analysis() { # NAME OF_WHAT FILE OPTIONS...
    name=$1
    of=$2
    file=$3
    shift 3
    [ ! -e "$kept/${file}_$of.csv" ] || return 0
    oneshot-hpo analyze "$name" --dir "$runs" --dataset cifar10 --table nasbench101 \
        --set search.image_size=16 --set search.train_share=0.2 --set search.cutout_length=8 \
        --set search.channels=8 --set search.stacks=3 --set search.cells_per_stack=1 \
        --set search.arch_learning_rate=scaled --supernets 3 "$@"
    cp "$runs/$file.csv" "$kept/${file}_$of.csv"
}

# Each supernet is trained once, and the cells that two analyses have in common are scored once.
for space in 1 2 3; do
    for searcher in random_ws darts gdas pc_darts; do
        one="--space $space --searcher $searcher --epochs 12"
        analysis precision "space-${space}_$searcher" precision $one
    done
done

errors=test,valid@108,valid@36,valid@12,valid@4
for space in 1 2 3; do
    for searcher in random_ws darts gdas pc_darts; do
        of="space-${space}_$searcher"
        one="--space $space --searcher $searcher --epochs 12 --after 12 --against $errors"
        analysis correlation "$of" correlation $one
        analysis correlation "$of" correlation_best1000 $one --among 1000
    done
    analysis bias "space-${space}_random_ws" bias --space "$space" --epochs 12
done

analysis quality space-1_random_ws quality --space 1 --lengths 1,3,12,36
analysis stability space-1_random_ws stability --space 1 --epochs 12 --cells 300
analysis pruning space-1_random_ws pruning --space 1 --epochs 12 --cells 300
analysis correlation space-1_random_ws_finetuned correlation --space 1 --searcher random_ws \
    --epochs 12 --after 12 --cells 300 --finetune 10

# What the shipped ablations vary, in space 3: 10 seeds each.
for searcher in darts gdas pc_darts; do
    of="space-3_$searcher"
    file=regularisation
    [ ! -e "$kept/${file}_$of.csv" ] || continue
    oneshot-hpo analyze regularisation --dir "$runs" --dataset cifar10 --table nasbench101 \
        --set search.image_size=16 --set search.train_share=0.2 --set search.cutout_length=8 \
        --set search.channels=8 --set search.stacks=3 --set search.cells_per_stack=1 \
        --set search.arch_learning_rate=scaled --space 3 --searcher "$searcher" --epochs 12
    cp "$runs/$file.csv" "$kept/${file}_$of.csv"
done
