// Package server is the composition root: it wires a member of the cluster to its
// HTTP API. cmd/voted and the end-to-end tests share it.
package server

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"voted/internal/poll"
)

// Options is everything a node is told. The zero value of a field means its default.
type Options struct {
	ID      string // of this member: 1 to 64 letters, digits, '.', '_', '~', '-'
	DataDir string // made if missing; belongs to one member for ever

	API          string // HOST:PORT that clients use; default 127.0.0.1:8080
	AdvertiseAPI string // URL under which clients reach it; default http:// and the bound address
	Peer         string // HOST:PORT that members use; default 127.0.0.1:9080
	// AdvertisePeer is the HOST:PORT under which members reach this one; default
	// this member's entry in Cluster, or the bound address.
	AdvertisePeer string

	// Cluster is the whole first configuration, the same on every member, this
	// one included. Used at the very first start only.
	Cluster []Member
	// Join names peer addresses of members of a running cluster, any of which
	// lets this one in. Used at the very first start only.
	Join []string
	// JoinTokenFile holds the token that lets this member in, where no admin has done
	// so. It is read when the member enters the cluster, and never again.
	JoinTokenFile string

	RequestTimeout   time.Duration // how long a request is held at most; default 10 s
	DrainTimeout     time.Duration // how long requests in flight are waited for at the end; default 10 s
	HeartbeatTimeout time.Duration // a follower that hears nothing for so long stands; default 750 ms
	StallLimit       time.Duration // a store call that takes longer stops the member; default 2 s
	RemoveDeadAfter  time.Duration // a member that is away for so long is removed by the leader; default never
	MinFree          int64         // bytes of free disk below which ballots are refused; default 256 MiB or a tenth of a small disk; negative: not watched
	SnapshotEvery    uint64        // log entries between snapshots; default 65536

	Security
	Backups
	Tracing

	// Profile is the HOST:PORT on loopback that serves go tool pprof; default: none.
	Profile string

	// Notify is told how the node does in sd_notify's words (READY=1, STOPPING=1,
	// STATUS=…); default: nobody is.
	Notify func(state string)

	Logger  *slog.Logger
	Version string
}

// Member is one entry of the first configuration.
type Member struct {
	ID   string
	Peer string // HOST:PORT
}

// ErrUsage marks errors that another command line would cure.
var ErrUsage = errors.New("cannot start like this")

// ParseCluster reads "n1=host:port,n2=host:port,…".
func ParseCluster(s string) ([]Member, error) {
	var members []Member
	for entry := range strings.SplitSeq(s, ",") {
		id, peer, ok := strings.Cut(strings.TrimSpace(entry), "=")
		if !ok {
			return nil, fmt.Errorf("--cluster: %q is not ID=HOST:PORT", entry)
		}
		members = append(members, Member{ID: id, Peer: peer})
	}
	return members, checkMembers(members)
}

func checkMembers(members []Member) error {
	ids, peers := map[string]bool{}, map[string]bool{}
	for _, m := range members {
		switch {
		case !poll.ValidID(m.ID):
			return fmt.Errorf("--cluster: %q cannot be the id of a member; use letters, digits, '.', '_', '~' or '-'", m.ID)
		case ids[m.ID]:
			return fmt.Errorf("--cluster: member %s stands twice", m.ID)
		case peers[m.Peer]:
			return fmt.Errorf("--cluster: address %s stands twice", m.Peer)
		}
		if err := checkAddress(m.Peer); err != nil {
			return fmt.Errorf("--cluster: member %s: %w", m.ID, err)
		}
		ids[m.ID], peers[m.Peer] = true, true
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
