// Package server is the composition root: it wires a member of the cluster to its
// HTTP API. cmd/voted and the end-to-end tests share it.
package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"voted/internal/poll"
	"voted/internal/survey"
	"voted/internal/usage"
)

// Options configures a node. The zero value of a field means its default.
type Options struct {
	ID      string // of this member: 1 to 64 letters, digits, '.', '_', '~', '-'
	DataDir string // made if missing; belongs to one member forever

	API          string // HOST:PORT that clients use; default 127.0.0.1:8080
	AdvertiseAPI string // URL under which clients reach it; default http:// and the bound address
	Peer         string // HOST:PORT that members use; default 127.0.0.1:9080
	// AdvertisePeer is the HOST:PORT under which members reach this one; default
	// this member's entry in Cluster, or the bound address.
	AdvertisePeer string
	namedByLine   bool // AdvertisePeer was taken from Cluster

	// Cluster is the whole first configuration, this member included, the same on every
	// member. Used at the very first start only.
	Cluster []survey.Peer
	// Join names peer addresses of members of a running cluster, any of which can admit
	// this one. Used at the very first start only.
	Join []string
	// JoinTokenFile holds the token with which this member joins if no admin has added
	// it. It is read when the member enters the cluster, and never again.
	JoinTokenFile string

	RequestTimeout   time.Duration // how long a request is held at most; default 10 s
	DrainTimeout     time.Duration // how long the node waits for requests in flight when it stops; default 10 s
	HeartbeatTimeout time.Duration // a follower without contact for so long stands for election; default 750 ms
	StallLimit       time.Duration // a store call that takes longer stops the member; default 2 s
	RemoveDeadAfter  time.Duration // a member that is away for so long is removed by the leader; default never
	MinFree          int64         // bytes of free disk below which ballots are refused; default 256 MiB or a tenth of a small disk; negative: not watched
	SnapshotEvery    uint64        // log entries between snapshots; default 65536

	Security
	Pages
	Proofs
	Backups
	Webhooks
	Tracing

	// Profile is the HOST:PORT on loopback that serves go tool pprof; default: none.
	Profile string

	// Notify is called when the node's state changes, in the format of sd_notify (READY=1,
	// STOPPING=1, STATUS=…); default: nothing is called.
	Notify func(state string)

	Logger  *slog.Logger
	Version string
}

// curable marks an error as one of usage, unless the same command line may succeed later:
// an address that is not there yet or not free yet, a lack of files, memory or space.
func curable(err error) error {
	for _, passing := range []error{
		syscall.EADDRINUSE, syscall.EADDRNOTAVAIL, syscall.EMFILE, syscall.ENFILE, syscall.ENOMEM, syscall.ENOSPC, syscall.EIO,
	} {
		if errors.Is(err, passing) {
			return err
		}
	}
	return usage.Mark(err)
}

// The shortest and longest times that a node can work with.
const (
	// minHeartbeat is above the pauses of a busy machine and the round trip to a near
	// machine: with less, followers stand for election though the leader is well.
	minHeartbeat = 50 * time.Millisecond
	// maxHeartbeat bounds how long no ballot is counted after the leader's machine died.
	maxHeartbeat = time.Minute
	// minStallLimit is above a slow fsync: with less, a member would stop though its disk
	// works.
	minStallLimit = 100 * time.Millisecond
	// minRequestTimeout leaves room for a ballot's way through the log.
	minRequestTimeout = 10 * time.Millisecond
	// minDeadAfter is more than any restart takes.
	minDeadAfter = time.Minute
)

// checkTimes refuses times with which a node could not work; 0 means the default.
func (o Options) checkTimes() error {
	for _, x := range []struct {
		flag       string
		given      time.Duration
		least, max time.Duration // max 0: none
	}{
		{"heartbeat-timeout", o.HeartbeatTimeout, minHeartbeat, maxHeartbeat},
		{"stall-limit", o.StallLimit, minStallLimit, 0},
		{"request-timeout", o.RequestTimeout, minRequestTimeout, 0},
		{"remove-dead-after", o.RemoveDeadAfter, minDeadAfter, 0},
		{"drain-timeout", o.DrainTimeout, 0, 0},
	} {
		switch {
		case x.given == 0:
		case x.given < 0:
			return fmt.Errorf("--%s cannot be negative", x.flag)
		case x.given < x.least:
			return fmt.Errorf("--%s %s is too short to work with; give %s or more", x.flag, x.given, x.least)
		case x.max > 0 && x.given > x.max:
			return fmt.Errorf("--%s %s is too long to work with; give %s or less", x.flag, x.given, x.max)
		}
	}
	return nil
}

// ParseCluster reads "n1=host:port,n2=host:port,…".
func ParseCluster(s string) ([]survey.Peer, error) {
	var members []survey.Peer
	for entry := range strings.SplitSeq(s, ",") {
		id, peer, ok := strings.Cut(strings.TrimSpace(entry), "=")
		if !ok {
			return nil, fmt.Errorf("--cluster: %q is not ID=HOST:PORT", entry)
		}
		members = append(members, survey.Peer{ID: id, Addr: peer})
	}
	return members, checkMembers(members)
}

func checkMembers(members []survey.Peer) error {
	ids, peers := map[string]bool{}, map[string]bool{}
	for _, m := range members {
		switch {
		case !poll.ValidID(m.ID):
			return fmt.Errorf("--cluster: %q cannot be the id of a member; use letters, digits, '.', '_', '~' or '-'", m.ID)
		case ids[m.ID]:
			return fmt.Errorf("--cluster: member %s stands twice", m.ID)
		case peers[m.Addr]:
			return fmt.Errorf("--cluster: address %s stands twice", m.Addr)
		}
		if err := checkMemberAddress(m.Addr); err != nil {
			return fmt.Errorf("--cluster: member %s: %w", m.ID, err)
		}
		ids[m.ID], peers[m.Addr] = true, true
	}
	return nil
}

func checkAddress(s string) error {
	host, port, err := net.SplitHostPort(s)
	if err != nil || port == "" {
		return fmt.Errorf("%q is not HOST:PORT", s)
	}
	if host == "" {
		return fmt.Errorf("%q names no host; other members could not find it", s)
	}
	return nil
}

// checkMemberAddress refuses what cannot be the address of a member.
func checkMemberAddress(s string) error {
	if err := checkAddress(s); err != nil {
		return err
	}
	host, _, _ := net.SplitHostPort(s)
	if ip, no := netip.ParseAddr(host); no == nil && ip.Unmap().IsUnspecified() {
		return fmt.Errorf("%s stands for every address of a machine, and leads nowhere; give the one under which members reach it", host)
	}
	return nil
}
