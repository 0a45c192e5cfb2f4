#!/usr/bin/env bash
# Builds the ordinary programs of a cluster (versions: go.mod) for the live tests, once.
# They go to KUBEBUILDER_ASSETS, else to ~/.cache/k8sviz/live/<pin>; the last line printed is that folder.
# Exit 3: no Go, or one too old. Exit 4: the sources cannot be fetched. Others: the build failed.
set -euo pipefail
cd "$(dirname "$0")/programs"

pin=$(cat go.mod go.sum | sha256sum | cut -c1-12)
into=${KUBEBUILDER_ASSETS:-${XDG_CACHE_HOME:-$HOME/.cache}/k8sviz/live/$pin}
version=$(sed -n "s|^\tk8s.io/kubernetes \(v[0-9.]*\).*|\1|p" go.mod)
programs=(
  etcd=go.etcd.io/etcd/server/v3
  kube-apiserver=k8s.io/kubernetes/cmd/kube-apiserver
  kube-controller-manager=k8s.io/kubernetes/cmd/kube-controller-manager
  kube-scheduler=k8s.io/kubernetes/cmd/kube-scheduler
  kubectl=k8s.io/kubernetes/cmd/kubectl
  kwok=sigs.k8s.io/kwok/cmd/kwok
)

missing=()
for program in "${programs[@]}"; do
  [ -x "$into/${program%%=*}" ] || missing+=("$program")
done
if [ ${#missing[@]} = 0 ] && [ -s "$into/kwok.yaml" ]; then
  echo "live programs: all there, nothing to build"
  echo "$into"
  exit 0
fi

command -v go >/dev/null || { echo "live programs: no Go here; install Go 1.26 or newer, or set KUBEBUILDER_ASSETS" >&2; exit 3; }
go list -m >/dev/null 2>&1 || { echo "live programs: $(go version) is too old; they need Go 1.26 or newer" >&2; exit 3; }

begun=$SECONDS
go mod download 2>/dev/null || { echo "live programs: their sources cannot be fetched (no network?)" >&2; exit 4; }
echo "live programs: sources fetched in $((SECONDS - begun)) s"

mkdir -p "$into"
minor=${version#v1.}
stamp="-X k8s.io/component-base/version.gitVersion=$version -X k8s.io/component-base/version.gitMajor=1"
stamp+=" -X k8s.io/component-base/version.gitMinor=${minor%%.*}"
for program in "${missing[@]}"; do
  name=${program%%=*} started=$SECONDS
  # to another name first: a build that is stopped leaves nothing half made behind
  CGO_ENABLED=0 nice -n 10 go build -trimpath -mod=readonly -p 2 -ldflags "-s -w $stamp" \
    -o "$into/.$name" "${program#*=}"
  mv "$into/.$name" "$into/$name"
  echo "live programs: $name in $((SECONDS - started)) s"
done
# how kwok plays a node and a Pod; its module brings these, its program does not
stages=$(go list -m -f '{{.Dir}}' sigs.k8s.io/kwok)/kustomize/stage
for stage in "$stages"/node/fast/node-*.yaml "$stages"/pod/fast/pod-*.yaml; do
  echo "---"
  cat "$stage"
done >"$into/kwok.yaml"
echo "live programs: built in $((SECONDS - begun)) s"
echo "$into"
