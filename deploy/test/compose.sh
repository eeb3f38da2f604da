#!/usr/bin/env bash
# compose.sh: builds the image, starts the cluster of deploy/compose, and breaks it while the
# load test counts: leaders killed, one cut off from its peers, and then every node
# restarted in turn, which must cost no error. Then another cluster, whose members are
# named by addresses, moves. VOTED_TEST_PARTS=addresses runs that part alone. It removes
# all it made, whatever happens.
set -euo pipefail
cd "$(dirname "$0")/../.."
. deploy/test/manual.sh
. deploy/test/addresses.sh

skip() {
	echo "deploy-test: skipped: $*"
	exit 0
}
command -v docker >/dev/null || skip "there is no docker on this machine"
docker info >/dev/null 2>&1 || skip "the Docker engine does not answer"
if docker compose version >/dev/null 2>&1; then
	compose=(docker compose)
elif command -v docker-compose >/dev/null; then
	compose=(docker-compose)
else
	skip "there is no docker compose on this machine"
fi

work=$(mktemp -d /tmp/voted-deploy-test-XXXXXX)
project=votedtest$$
base=voted-test-base:$$
mine=voted.deploy-test=$$ # label of all that is built from the base
load= # process id of the load test
export VOTED_IMAGE=voted-test:$$ VOTED_SECRETS=$work/secrets VOTED_ENV_FILE=$work/env VOTED_LOG_NAME=votes.example VOTED_PROOF_KEY=/secrets/node.proof.key
if [ -n "${VOTED_TEST_BUILDER:-}" ]; then base=$VOTED_TEST_BUILDER; fi

files=(--file deploy/compose/compose.yaml)
cluster() { "${compose[@]}" --env-file "$work/env" --project-name "$project" "${files[@]}" "$@"; }

clean() {
	code=$?
	trap - EXIT INT TERM
	[ -z "$load" ] || kill "$load" 2>/dev/null || true
	if [ -e "$work/env" ]; then
		if [ $code -ne 0 ]; then cluster logs --no-color --tail 40 2>&1 | tail -120 || true; fi
		cluster down --volumes --timeout 5 >/dev/null 2>&1 || true
	fi
	docker image rm --force "$VOTED_IMAGE" >/dev/null 2>&1 || true
	docker image rm --force "voted-test-build:$$" >/dev/null 2>&1 || true
	[ -n "${VOTED_TEST_BUILDER:-}" ] || docker image rm --force "$base" >/dev/null 2>&1 || true
	# What is left of a build that failed or was interrupted.
	docker ps --all --quiet --filter "label=$mine" | xargs -r docker rm --force >/dev/null 2>&1 || true
	docker image ls --all --quiet --filter "label=$mine" | xargs -r docker image rm --force >/dev/null 2>&1 || true
	if [ $code -ne 0 ] && [ -d "$work/load" ]; then echo "deploy-test: the load test's files are in $work/load"; else rm -rf "$work"; fi
	exit $code
}
trap clean EXIT
trap 'exit 130' INT TERM

say() { echo "deploy-test: $*"; }
fail() {
	say "FAILED: $*" >&2
	exit 1
}

say "building the image"
[ -n "${VOTED_TEST_BUILDER:-}" ] || deploy/test/base-image.sh "$base" "$mine" >/dev/null
build() { docker build --file deploy/Dockerfile --build-arg "BUILDER=$base" --build-arg VERSION=test "$@" . >>"$work/build.log" 2>&1; }
# The stage that builds gets a name too, so that it can be removed.
build --target build --tag "voted-test-build:$$" || { tail -40 "$work/build.log"; fail "the image does not build"; }
go build -o "$work/loadtest" ./loadtest

# Ports that are free, instead of the documented ones.
port=$((20000 + RANDOM % 10000))
export VOTED_PORT1=$port VOTED_PORT2=$((port + 1)) VOTED_PORT3=$((port + 2))
urls=https://127.0.0.1:$VOTED_PORT1,https://127.0.0.1:$VOTED_PORT2,https://127.0.0.1:$VOTED_PORT3
# bare ARGUMENT…: voted without the variables of this script, which it would warn about.
bare() (
	unset "${!VOTED_@}"
	exec bin/voted "$@"
)
voted() { bare "$@" --endpoint "$urls" --ca "$VOTED_SECRETS/ca.crt" --token-file "$VOTED_SECRETS/operator.token"; }
id() { cluster ps -q "$1"; }

until_true() { # SECONDS WHAT COMMAND…
	local end=$((SECONDS + $1)) what=$2
	shift 2
	until "$@" >/dev/null 2>&1; do
		[ $SECONDS -lt $end ] || fail "$what"
		sleep 0.5 # each look starts a process or more, while a load runs that is to be in time
	done
}
is_ready() { docker exec "$(id "$1")" /voted health --ready; }
is_well() { voted cluster status --timeout 2s; }
leader() { voted cluster status --json --timeout 20s | sed -n 's/.*"leader":"\([^"]*\)".*/\1/p'; }
leader_not() {
	local now
	now=$(leader)
	[ -n "$now" ] && [ "$now" != "$1" ]
}

# follow SECTION N: carries out a block of the manual; only names, ports and folders that
# this run has of its own are put in their places.
follow() {
	local block
	block=$(manual "$1" "$2" | sed -e "s|docker compose -f deploy/compose/compose.yaml|cluster|" -e "s|deploy/compose/secrets/|$VOTED_SECRETS/|g" \
		-e "s|127.0.0.1:8081|127.0.0.1:$VOTED_PORT1|g" -e "s|127.0.0.1:8082|127.0.0.1:$VOTED_PORT2|g" -e "s|compose_n3|${project}_n3|")
	set +e # an "or" would switch -e off in there
	(
		export IMAGE=$VOTED_IMAGE BUILDER=$base VERSION=test
		set -euo pipefail
		eval "$block"
	) >"$work/followed" 2>&1
	local code=$?
	set -e
	[ $code -eq 0 ] || { cat "$work/followed"; fail "what stands in the manual under \"$1\" does not work"; }
}

# starts: the cluster of the manual, and how its containers run.
starts() {
	say "building the image and starting three nodes, as the manual says"
	follow Install 2
	tail -6 "$work/followed"
	for n in n1 n2 n3; do until_true 60 "$n does not become ready" is_ready $n; done
	until_true 20 "the cluster is not well" is_well
	voted cluster status

	say "looking at how the containers run"
	for n in n1 n2 n3; do
		seen=$(docker inspect --format '{{.Config.User}} {{.HostConfig.ReadonlyRootfs}} {{.HostConfig.CapDrop}} {{.HostConfig.Privileged}}' "$(id $n)")
		[ "$seen" = "65532:65532 true [ALL] false" ] || fail "$n runs as: $seen"
		until_true 30 "Docker does not call $n healthy" sh -c "[ \$(docker inspect --format '{{.State.Health.Status}}' $(id $n)) = healthy ]"
	done
	if bare poll list --endpoint "${urls%%,*}" --ca "$VOTED_SECRETS/ca.crt" --timeout 5s >/dev/null 2>&1; then
		fail "a client without credentials was served"
	fi
}

# offer DURATION THRESHOLD…: starts the load test.
offer() {
	local duration=$1
	shift
	mkdir -p "$work/load"
	"$work/loadtest" --targets "$urls" --ca "$VOTED_SECRETS/ca.crt" --token-file "$VOTED_SECRETS/operator.token" \
		--rate "${VOTED_TEST_RATE:-50}" --duration "$duration" --out "$work/load/$SECONDS" "$@" >"$work/load/out" 2>&1 &
	load=$!
	until_true 30 "the load does not begin" is_counted
}
is_counted() { voted poll list --json | grep -q '"ballots":[1-9]'; }

# proven WHAT: waits for the verdict.
proven() {
	kill -0 "$load" 2>/dev/null || { cat "$work/load/out"; fail "the load had ended before $1 was over"; }
	local code=0
	wait "$load" || code=$?
	load=
	cat "$work/load/out"
	# 5: the generator was late, or the machine is busy. What was proven is proven all the same.
	if [ $code -eq 5 ]; then
		for claim in '"lost":0' '"double_counted":0' '"tallies_equal":true' '"digests_equal":true'; do
			cat "$work"/load/*/report.json | tr -d ' \n' | grep -q "$claim" || fail "$1: INCONCLUSIVE, and the ledger does not say $claim"
		done
		! grep '^ *threshold ' "$work/load/out" | grep -v ': held' || fail "$1: a threshold broke"
		say "$1: the count is exact; the pace was not kept, so its latencies say nothing"
		return
	fi
	[ $code -eq 0 ] || fail "$1: the load test exits $code"
	rm -rf "$work"/load/*/
	say "$1: EXACT"
}

faults() {
	local now victim
	for round in 1 2 3; do
		victim=$(leader)
		say "round $round: $victim, the leader, is killed"
		docker kill "$(id "$victim")" >/dev/null
		until_true 20 "there is no new leader after $victim was killed" leader_not "$victim"
		docker start "$(id "$victim")" >/dev/null
		until_true 60 "$victim does not come back" is_ready "$victim"
	done
	victim=$(leader)
	say "$victim, the leader, is cut off from its peers"
	docker network disconnect "${project}_peers" "$(id "$victim")"
	until_true 30 "the others have no leader while $victim is cut off" majority_leads "$victim"
	sleep 5 # it goes on being cut off, under load
	docker network connect --alias "$victim.peers" "${project}_peers" "$(id "$victim")"
	until_true 60 "$victim does not come back" is_ready "$victim"
	until_true 30 "the cluster is not well again" is_well
	say "n3 is replaced by a container with an empty volume, as the manual says"
	follow "Replace a member" 2
	until_true 60 "the new n3 does not become ready" is_ready n3
	until_true 60 "the cluster is not well with the new n3" is_well
	until_true 60 "the new n3 gets no vote" three_voters
}
three_voters() { [ "$(voted cluster status --json | grep -o '"role":"voter"' | wc -l)" = 3 ]; }

# majority_leads VICTIM: asks the others who leads.
majority_leads() {
	local n
	for n in n1 n2 n3; do
		if [ "$n" != "$1" ]; then
			docker exec "$(id $n)" /voted health --ready && leader_at "$n" "$1"
			return
		fi
	done
}
leader_at() {
	local p=VOTED_PORT${1#n} now
	now=$(bare cluster status --json --timeout 3s --endpoint "https://127.0.0.1:${!p}" --ca "$VOTED_SECRETS/ca.crt" --token-file "$VOTED_SECRETS/operator.token" |
		sed -n 's/.*"leader":"\([^"]*\)".*/\1/p')
	[ -n "$now" ] && [ "$now" != "$2" ]
}

# proves: a ballot has a proof, which the policy that an operator makes of the secrets' certificates finds good.
proves() {
	local policy=$work/proven.policy receipt=$work/proven.tlog-proof
	bare proof policy proven --log-name "$VOTED_LOG_NAME" --ca "$VOTED_SECRETS/ca.crt" "$VOTED_SECRETS"/n?.proof.crt -o "$policy"
	voted poll create proven ann bo >/dev/null
	voted cast proven v-1 ann --proof --policy "$policy" -o "$receipt" >/dev/null || fail "a ballot has no good proof"
	bare verify receipt "$receipt" --policy "$policy" --voter v-1 || fail "the proof is not good"
	! bare verify receipt "$receipt" --policy "$policy" --voter v-2 >/dev/null || fail "the proof is good for another voter, too"
}

# by_name: members are named by names that lead to wherever their containers are.
by_name() {
	starts
	say "load, with the leader killed three times and cut off once, and a member replaced"
	offer "${VOTED_TEST_FAULTS_FOR:-210s}"
	faults
	proven "kills, a partition and a replacement"

	say "load, with one node restarted after another"
	offer "${VOTED_TEST_ROLL_FOR:-120s}" --threshold 'errors<1' --seed $((RANDOM + 1))
	for n in n1 n2 n3; do
		say "$n is restarted"
		docker restart --time 30 "$(id $n)" >/dev/null
		until_true 60 "$n does not come back" is_ready $n
		until_true 30 "the cluster is not well after $n was restarted" is_well
	done
	proven "the rolling restart"
	voted cluster status
	say "a ballot is proven after all that"
	proves
}

parts=${VOTED_TEST_PARTS:-names addresses}
case " $parts " in *" names "*) by_name ;; esac
case " $parts " in *" addresses "*) by_address ;; esac
say "passed"
