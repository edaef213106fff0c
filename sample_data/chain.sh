#!/bin/sh
# The demo's pipeline, written out: each command reads a file and writes it with columns added.
# Run in the project's folder, with labelkit on PATH: sh sample_data/chain.sh [FOLDER]
set -eu
out=${1:-build/chain}
task=sample_data/labelkit.toml
labelkit=${LABELKIT:-labelkit}
cache=${CACHE:-$out/.labelkit}
mkdir -p "$out"

# Rules and labeling functions vote on every row.
$labelkit weak-label sample_data/reviews.csv -o "$out/weak.csv" --task $task

# The language model labels where they are not sure.
$labelkit llm-label "$out/weak.csv" -o "$out/llm.csv" --task $task --cache "$cache"

# What people should look at: the most instructive rows, and random ones to judge by.
$labelkit query "$out/llm.csv" -o "$out/queried.csv" --task $task --gold gold \
	--label label --label llm_label --label weak_label --batch "$out/todo.csv"

# People answer. answers.csv answers every row; only what was asked is taken.
$labelkit merge "$out/queried.csv" sample_data/answers.csv -o "$out/merged.csv" --task $task \
	--batch "$out/todo.csv"

# One label a row, from all sources.
$labelkit decide "$out/merged.csv" -o "$out/decided.csv" --task $task --gold gold

# Labels that are probably wrong are marked.
$labelkit find-noise "$out/decided.csv" -o "$out/noise.csv" --task $task --gold gold

# They give way to what is suggested for them.
$labelkit decide "$out/noise.csv" -o "$out/labelled.csv" --task $task --gold gold

# A model for rows to come.
$labelkit train "$out/labelled.csv" -o "$out/final.model" --task $task --gold gold \
	--label final_label --weight final_confidence --robust
