#!/bin/sh
# secrets.sh NAMESPACE [DIR]: makes the CA, a certificate and a proof key for each member, the tokens and
# the key of webhooks in DIR (./voted-secrets), where what is there is kept, and prints the Secret that
# the pods mount. It needs `voted`, or the program $VOTED. $VOTED_NAME (voted) is the name of the StatefulSet, $VOTED_REPLICAS (3) its size.
#
#   deploy/helm/secrets.sh votes | kubectl apply -f -
set -eu
namespace=${1:?namespace}
dir=${2:-voted-secrets}
voted=${VOTED:-voted}
name=${VOTED_NAME:-voted}
replicas=${VOTED_REPLICAS:-3}
umask 077
[ -e "$dir/ca" ] || {
	"$voted" ca init "$dir/ca"
	for role in admin gateway reader auditor metrics; do
		"$voted" token new --role $role --name $role --tokens "$dir/tokens" >"$dir/$role.token"
	done
} >&2
[ -e "$dir/probe.token" ] || "$voted" token new --role admin,gateway --name probe --tokens "$dir/tokens" >"$dir/probe.token"
[ -e "$dir/webhook.key" ] || "$voted" webhook key >"$dir/webhook.key"

entry() { printf '  %s: %s\n' "$1" "$(base64 <"$2" | tr -d '\n')"; }

printf 'apiVersion: v1\nkind: Secret\nmetadata:\n  name: %s\n  namespace: %s\ntype: Opaque\ndata:\n' "$name" "$namespace"
entry ca.crt "$dir/ca/ca.crt"
entry tokens "$dir/tokens"
entry probe.token "$dir/probe.token"
entry webhook.key "$dir/webhook.key"
i=0
while [ $i -lt "$replicas" ]; do
	member=$name-$i
	[ -e "$dir/$member.crt" ] ||
		"$voted" ca issue "$dir/ca" member "$member" --out "$dir" \
			--host "$member.$name-peers,$name,$name.$namespace,$name.$namespace.svc,localhost" >&2
	entry "$member.crt" "$dir/$member.crt"
	entry "$member.key" "$dir/$member.key"
	entry "$member.proof.key" "$dir/$member.proof.key"
	i=$((i + 1))
done
