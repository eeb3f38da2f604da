# addresses.sh, to be sourced by compose.sh: a cluster whose members are named by addresses.
# Under load each container in turn is removed and made again, with its volume, at another
# address; then all three at once, and --cluster names the new ones.

# place FROM: puts n1, n2 and n3 at FROM, FROM+1 and FROM+2 from now on.
place() {
	export VOTED_AT1=$VOTED_SUBNET.$1 VOTED_AT2=$VOTED_SUBNET.$(($1 + 1)) VOTED_AT3=$VOTED_SUBNET.$(($1 + 2))
}
told() { export VOTED_CLUSTER=n1=$VOTED_AT1:9080,n2=$VOTED_AT2:9080,n3=$VOTED_AT3:9080; }

# named N: reports whether the membership names the address at which a member is now.
named() {
	local at=VOTED_AT${1#n}
	voted cluster status --json --timeout 2s | grep -q "\"id\":\"$1\"[^}]*\"peer\":\"${!at}:9080\""
}
all_named() { named n1 && named n2 && named n3; }
leads() { [ -n "$(leader)" ]; }

# moves N: removes a member's container and makes it again where VOTED_ATn says.
moves() {
	local at=VOTED_AT${1#n}
	say "$1 is removed, and comes back at ${!at} with its volume"
	cluster rm --stop --force "$1" >>"$work/addresses" 2>&1
	cluster up -d --no-deps "$1" >>"$work/addresses" 2>&1
	until_true 60 "$1 does not come back at ${!at}" is_ready "$1"
	until_true 30 "the membership does not name $1's new address" named "$1"
	until_true 30 "the cluster is not well after $1 moved" is_well
}

# all_move: kills and removes all three, and makes them again where VOTED_ATn says.
all_move() {
	local began leading
	say "all three are killed, and come back at $VOTED_AT1, $VOTED_AT2 and $VOTED_AT3"
	docker rm --force "$(id n1)" "$(id n2)" "$(id n3)" >/dev/null
	cluster up -d >>"$work/addresses" 2>&1
	began=$(date +%s%N)
	until_true 10 "ten seconds after all three came back at new addresses there is no leader" leads
	leading=$((($(date +%s%N) - began) / 1000000))
	say "one of them leads, $leading ms after the last of them was started"
	until_true 30 "the membership does not name all new addresses" all_named
	until_true 30 "the cluster is not well after all three moved" is_well
}

by_address() {
	say "starting three nodes that are named by addresses"
	if ! [ -e "$work/env" ]; then # without the part before
		make build image IMAGE="$VOTED_IMAGE" BUILDER="$base" VERSION=test >>"$work/build.log" 2>&1 || { tail -40 "$work/build.log"; fail "the image does not build"; }
		deploy/compose/secrets.sh >>"$work/build.log" 2>&1
	fi
	cluster down --volumes --timeout 5 >/dev/null 2>&1
	files+=(--file deploy/test/addresses.yaml)
	export VOTED_SUBNET=10.$((RANDOM % 250)).$((RANDOM % 250)) # of this run's own network
	place 11
	told
	cluster up -d >"$work/addresses" 2>&1 || { cat "$work/addresses"; fail "three nodes named by addresses do not start"; }
	until_true 60 "the cluster is not well" is_well
	all_named || fail "the members are not named by their addresses"

	say "load, with one member moved after another, the leader among them, and then all three"
	offer "${VOTED_TEST_MOVES_FOR:-150s}" --seed $((RANDOM + 1))
	place 21 # the list stays as it was: it names where they were
	for n in n1 n2 n3; do moves $n; done
	place 31
	told
	all_move
	proven "members at new addresses"
	voted cluster status
}
