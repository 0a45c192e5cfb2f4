#!/usr/bin/env bash
# Asks Kubernetes' own code: run.sh binding|pods|rollout|stateful|check [COUNT [SEED]] compares so many made-up cases with
# the predictions, or with what `k8sviz check` says.
# Needs Go, and Linux with root or user namespaces; builds the oracle once (see README.md).
set -euo pipefail
cd "$(dirname "$0")"
kind=$1 count=${2:-1000} seed=${3:-1}
into=${XDG_CACHE_HOME:-$HOME/.cache}/k8sviz/oracle
mkdir -p "$into"
CGO_ENABLED=0 nice -n 10 go build -trimpath -mod=readonly -p 2 -o "$into/oracle" .
cd ../..
python=${PYTHON:-.venv/bin/python}
"$python" -m tests.oracle.generate "$kind" "$count" "$seed" >"$into/$kind.cases"
answers=()
# without root, the kubelet's code cannot give token files to a user: cases with runAsUser are then reported
namespaces=(--mount)
[ "$(id -u)" = 0 ] || namespaces+=(--map-root-user)
# ties are broken at random: ask about claims several times
for turn in $([ "$kind" = binding ] && seq 4 || echo 1); do
  unshare "${namespaces[@]}" "$into/oracle" <"$into/$kind.cases" >"$into/$kind.$turn"
  answers+=("$into/$kind.$turn")
done
"$python" -m tests.oracle.compare "$into/$kind.cases" "${answers[@]}"
