#!/bin/sh
# Builds the EIF: enclave/image/build-image.sh OUT. Needs docker with buildx, Node and a clean checkout.
# Refuses to build while a base image in base-images.env lacks a digest.
set -eu
[ $# -eq 1 ] || { echo "usage: build-image.sh OUT" >&2; exit 2; }
image=$(cd "$(dirname "$0")" && pwd)
repository=$(cd "$image/../.." && pwd)
mkdir -p "$1"
out=$(cd "$1" && pwd)
pins=$image/base-images.env

digest='[a-z0-9._/-]+@sha256:[0-9a-f]{64}'
set --
while read -r name; do
  line=$(grep -E "^$name=$digest\$" "$pins") || {
    echo "$name has no digest in $pins: pin it (docs/enclave-image.md) and build again" >&2
    exit 1
  }
  set -- "$@" --build-arg "$line"
done <<EOF
$(sed -n 's/^ARG \([A-Z_]*_IMAGE\)$/\1/p' "$image/Containerfile")
EOF

changes=$(git -C "$repository" status --porcelain)
[ -z "$changes" ] || { printf 'build from a clean checkout; this one has changes:\n%s\n' "$changes" >&2; exit 1; }

cd "$repository"
export PATH="$repository/node_modules/.bin:$PATH"
node enclave/image/measure.ts --json --out "$out/measured" >"$out/measured.json"
sha384=$(sed -n 's/.*"digest":"\([0-9a-f]*\)".*/\1/p' "$out/measured.json")

# The context holds no more than the build names: two files.
context=$out/context
mkdir -p "$context/enclave/nsm/device"
cp enclave/nsm/device/nsm-request.c "$context/enclave/nsm/device/"
ln -f "$out/measured/application.cpio" "$context/application.cpio"
SOURCE_DATE_EPOCH=0 docker buildx build --file "$image/Containerfile" --target package \
  --build-arg "APPLICATION_SHA384=$sha384" "$@" --output "type=local,dest=$out/eif" "$context"

# Our own computation of the PCRs must agree with eif_build's.
node enclave/image/eif.ts --kernel "$out/eif/bzImage" --ramdisk "$out/eif/boot.cpio" --ramdisk "$out/eif/application.cpio" \
  --cmdline "$(sed -n "s/.*--cmdline '\(.*\)'.*/\1/p" "$image/Containerfile")" >"$out/our.pcrs"
cat "$out/eif/enclave.pcrs" "$out/our.pcrs"
for index in 0 1 2; do
  pcr=$(sed -n "s/.*\"PCR$index\": \"\([0-9a-f]*\)\".*/\1/p" "$out/our.pcrs")
  grep -q "$pcr" "$out/eif/enclave.pcrs" || { echo "PCR$index of eif_build differs from ours, $pcr" >&2; exit 1; }
done
echo "PCR0, PCR1 and PCR2 agree: $out/eif/enclave.eif"
