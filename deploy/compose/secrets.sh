#!/bin/sh
# secrets.sh: makes the CA, a certificate for each node, the tokens and the key of webhooks that
# compose.yaml uses, in ./secrets beside it or in $VOTED_SECRETS. What is there is kept.
# It runs the image $VOTED_IMAGE (voted), or the program $VOTED where that is set.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
secrets=${VOTED_SECRETS:-$here/secrets}
image=${VOTED_IMAGE:-voted}
umask 077
if [ -e "$secrets/ca" ]; then
	echo "secrets.sh: $secrets is there already; it was left as it is" >&2
	exit 0
fi
mkdir -p "$secrets"

voted() {
	if [ -n "${VOTED:-}" ]; then
		(cd "$secrets" && "$VOTED" "$@")
	else
		docker run --rm --network none --user "$(id -u):$(id -g)" --volume "$secrets:/secrets" --workdir /secrets --entrypoint /voted "$image" "$@"
	fi
}

voted ca init ca
for role in admin gateway reader auditor metrics; do
	voted token new --role $role --name $role --tokens tokens >"$secrets/$role.token"
done
voted token new --role admin,gateway --name probe --tokens tokens >"$secrets/probe.token"
# One token for trying things, and for the load test, which does all of that.
voted token new --role admin,gateway,reader,auditor --name operator --tokens tokens >"$secrets/operator.token"
voted webhook key >"$secrets/webhook.key"
for node in n1 n2 n3; do
	mkdir "$secrets/$node"
	voted ca issue ca member $node --host "$node,localhost,127.0.0.1" --out $node
	mv "$secrets/$node/$node.crt" "$secrets/$node/node.crt"
	mv "$secrets/$node/$node.key" "$secrets/$node/node.key"
	mv "$secrets/$node/$node.proof.key" "$secrets/$node/node.proof.key"
	mv "$secrets/$node/$node.proof.crt" "$secrets/" # for policies
	cp "$secrets/ca/ca.crt" "$secrets/tokens" "$secrets/webhook.key" "$secrets/$node/"
done
mkdir "$secrets/prometheus" "$secrets/grafana" "$secrets/probe"
cp "$secrets/ca/ca.crt" "$secrets/metrics.token" "$secrets/prometheus/"
cp "$secrets/ca/ca.crt" "$secrets/probe.token" "$secrets/probe/"
head -c 24 /dev/urandom | od -An -tx1 | tr -d ' \n' >"$secrets/grafana/password"
cp "$secrets/ca/ca.crt" "$secrets/"

# Each container reads its own folder as a member of this group; no one else on the
# machine can enter the folder above. The CA's key is in none of them.
chmod 750 "$secrets"/n? "$secrets/prometheus" "$secrets/grafana" "$secrets/probe"
chmod 640 "$secrets"/n?/* "$secrets"/prometheus/* "$secrets"/grafana/* "$secrets"/probe/*
echo "VOTED_GID=$(id -g)" >"${VOTED_ENV_FILE:-$here/.env}"
echo "secrets.sh: $secrets holds the secrets; keep ca/ca.key elsewhere once all is running"
