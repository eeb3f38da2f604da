#!/usr/bin/env bash
# install.sh SCRATCH: carries out what docs/operations.md says of an installation under
# systemd, as it is written, and looks whether the node then serves. It does so in
# namespaces of its own, with overlays over /etc, /usr/local/bin and /var/lib that lie in
# the directory SCRATCH, so that nothing of this machine changes. systemd does not boot
# there: systemctl is a stand-in that has systemd check the unit, and starts what the unit
# says as whom it says. Exit code 77: this machine cannot do that, and it says why.
set -euo pipefail
cd "$(dirname "$0")/../.."
scratch=${1:?a directory to work in}

if [ -z "${VOTED_INSIDE:-}" ]; then
	for tool in unshare ip setpriv systemd-sysusers systemd-analyze make; do
		command -v $tool >/dev/null || { echo "install.sh: skipped: there is no $tool on this machine"; exit 77; }
	done
	[ "$(id -u)" = 0 ] || { echo "install.sh: skipped: namespaces take root"; exit 77; }
	unshare --mount --net true 2>/dev/null || { echo "install.sh: skipped: no namespaces can be made here"; exit 77; }
	VOTED_INSIDE=1 exec unshare --mount --net --pid --fork --kill-child --mount-proc "$PWD/deploy/test/install.sh" "$scratch"
fi

. deploy/test/manual.sh
mount -t tmpfs tmpfs "$scratch"
for dir in /etc /usr/local/bin /var/lib; do
	over=$scratch/over${dir//\//-}
	mkdir -p "$over/upper" "$over/work"
	mount -t overlay overlay -o "lowerdir=$dir,upperdir=$over/upper,workdir=$over/work" "$dir"
done
ip link set lo up
ip address add 10.0.0.1/32 dev lo # the address of n1 in voted.env

# What the comments in the commands tell the operator to do.
cat >"$scratch/fill-in" <<'EOF'
cd "$scratch"
voted ca init ca
voted ca issue ca member n1 --host 10.0.0.1
voted token new --role admin --name me --tokens tokens >me.token
install -m 640 --group=voted ca/n1.crt /etc/voted/node.crt
install -m 640 --group=voted ca/n1.key /etc/voted/node.key
install -m 640 --group=voted ca/ca.crt tokens /etc/voted/
sed -i 's/^VOTED_CLUSTER=.*/VOTED_CLUSTER=n1=10.0.0.1:9080/' /etc/voted/voted.env # a cluster of one
EOF
mkdir "$scratch/tools"
cat >"$scratch/tools/systemctl" <<'EOF'
#!/usr/bin/env bash
set -euo pipefail
unit() { sed -n "s/^$1=//p" /etc/systemd/system/voted.service; }
case "$*" in
daemon-reload)
	said=$(systemd-analyze verify --man=no /etc/systemd/system/voted.service 2>&1)
	[ -z "$said" ] || { echo "$said"; exit 1; }
	;;
"enable --now voted")
	. "$scratch/fill-in"
	install -d -m "$(unit StateDirectoryMode)" -o voted -g voted "/var/lib/$(unit StateDirectory)"
	env -i $(unit Environment) $(grep -v '^#' "$(unit EnvironmentFile)") \
		setpriv --reuid "$(unit User)" --regid "$(unit Group)" --clear-groups --no-new-privs $(unit ExecStart) >"$scratch/log" 2>&1 &
	echo $! >"$scratch/pid"
	until voted health --endpoint https://10.0.0.1:8080 --ca /etc/voted/ca.crt >/dev/null 2>&1; do
		kill -0 "$(cat "$scratch/pid")" || { cat "$scratch/log"; exit 1; }
		sleep 0.1
	done
	;;
*) echo "systemctl: $* is not what the manual says" >&2; exit 1 ;;
esac
EOF
chmod 700 "$scratch/tools/systemctl"
export scratch PATH="$scratch/tools:$PATH"

bash -euo pipefail -c "$(manual Install 1)"

fail() { echo "install.sh: FAILED: $*"; tail -20 "$scratch/log"; exit 1; }
pid=$(cat "$scratch/pid")
[ "$(stat -c %U "/proc/$pid")" = voted ] || fail "the node runs as $(stat -c %U "/proc/$pid")"
[ "$(stat -c '%U %a' /var/lib/voted)" = "voted 700" ] || fail "the data directory is $(stat -c '%U %a' /var/lib/voted)"
for _ in $(seq 100); do
	if voted health --ready --endpoint https://10.0.0.1:8080 --ca /etc/voted/ca.crt >/dev/null 2>&1; then break; fi
	sleep 0.1
done
voted cluster status --endpoint https://10.0.0.1:8080 --ca /etc/voted/ca.crt --token-file "$scratch/me.token" || fail "the node is not well"
kill -TERM "$pid"
tail --pid "$pid" -f /dev/null
grep -q 'has stopped in order' "$scratch/log" || fail "it did not stop in order"
