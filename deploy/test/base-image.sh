#!/usr/bin/env bash
# base-image.sh NAME [LABEL]: makes a builder image from this machine's own Go, shell and CAs,
# with the modules that go.mod names. Nothing is pulled and nothing of it is meant
# to be published: it is how the Dockerfile is exercised where there is no registry.
# Whatever is built from it has its label, so that it can be found and removed.
set -euo pipefail
name=${1:?name of the image to make}
label=${2:-voted.builder=$name}
cd "$(dirname "$0")/../.."
for tool in docker go ldd tar; do
	command -v $tool >/dev/null || { echo "base-image.sh needs $tool" >&2; exit 1; }
done
stage=$(mktemp -d /tmp/voted-base-XXXXXX)
trap 'chmod -R u+w "$stage"; rm -rf "$stage"' EXIT

# The modules that the build needs, through this machine's own module cache.
go mod download
cache=$(go env GOMODCACHE)
GOMODCACHE=$stage/go/pkg/mod GOPROXY=file://$cache/cache/download GONOSUMDB='*' GOFLAGS=-modcacherw go mod download
rm -rf "$stage"/go/pkg/mod/[!c]* # what is unpacked; cache/download has it packed

# The Go distribution without what building does not read.
root=$(go env GOROOT)
mkdir -p "$stage/usr/local/go"
tar -C "$root" --exclude=./test --exclude=./api --exclude=./doc --exclude=./misc -c . | tar -C "$stage/usr/local/go" -x

# The programs that the Dockerfile runs, with their libraries.
for program in sh mkdir cp; do
	path=$(command -v $program)
	for file in "$path" $(ldd "$path" | grep -o '/[^ ]*'); do
		mkdir -p "$stage$(dirname "$file")"
		cp -L "$file" "$stage$file"
	done
	mkdir -p "$stage/bin"
	[ -e "$stage/bin/$program" ] || cp -L "$path" "$stage/bin/$program"
done
mkdir -p "$stage/etc/ssl/certs" "$stage/tmp" "$stage/root"
chmod 1777 "$stage/tmp"
echo 'root:x:0:0:root:/root:/bin/sh' >"$stage/etc/passwd"
cp -L /etc/ssl/certs/ca-certificates.crt "$stage/etc/ssl/certs/"

tar -C "$stage" --owner=0 --group=0 -c . | docker import \
	--change "LABEL $label" --change 'ENV PATH=/usr/local/go/bin:/usr/bin:/bin GOPATH=/go GOPROXY=off GONOSUMDB=* GOTOOLCHAIN=local HOME=/root' - "$name"
