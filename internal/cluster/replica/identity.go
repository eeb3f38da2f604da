package replica

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hashicorp/raft"

	"voted/internal/usage"
)

// The named values that a member keeps, in addition to raft's.
const (
	valueMember   = "member"   // its id
	valueDisk     = "disk"     // drawn when the data directory was first used
	valueFounders = "founders" // JSON: the disks of the members that founded the cluster
	valueCluster  = "cluster"  // the id of the cluster that it belongs to
	valueDisks    = "disks"    // JSON: the disks on which the other members were seen
)

// clusterIDBytes is how many bytes of a cluster's id are drawn: enough that two clusters
// never get the same, and few enough to be read aloud.
const clusterIDBytes = 10

var clusterIDText = base32.NewEncoding("abcdefghijklmnopqrstuvwxyz234567").WithPadding(base32.NoPadding)

// clusterOf returns the id of the cluster that these disks, by member, found together.
// All founders compute the same one, and no other cluster can have it, since each new
// data directory draws a new disk.
func clusterOf(founders map[string]string) string {
	h := sha256.New()
	for _, id := range slices.Sorted(maps.Keys(founders)) {
		fmt.Fprintf(h, "%s\n%s\n", id, founders[id])
	}
	return clusterIDText.EncodeToString(h.Sum(nil)[:clusterIDBytes])
}

// drawCluster draws an id for a cluster that begins with one survivor of another.
func drawCluster() string {
	return strings.ToLower(rand.Text()[:clusterIDBytes*8/5])
}

// claim checks that the store belongs to this member, and claims a new one.
func (r *Replica) claim() error {
	owner, err := r.store.Value(valueMember)
	if err != nil {
		return err
	}
	if owner == nil {
		if err := r.store.SetValue(valueMember, []byte(r.opts.ID)); err != nil {
			return err
		}
	} else if string(owner) != r.opts.ID {
		return usage.Errorf("the data directory belongs to member %s, not %s; use --id %s or another --data", owner, r.opts.ID, owner)
	}
	if r.disk, err = r.claimDisk(); err != nil {
		return err
	}
	if empty, err := r.store.Empty(); err != nil || empty {
		return err
	}
	id, err := r.store.Value(valueCluster)
	if err == nil && id == nil {
		return usage.Errorf("the data directory does not say to which cluster it belongs: another version of voted made it. "+
			"Start it with that version; or remove this member (voted cluster remove %s), empty its data directory, and start it with --join", r.opts.ID)
	}
	r.belong(string(id))
	return err
}

func (r *Replica) claimDisk() (string, error) {
	id, err := r.store.Value(valueDisk)
	if err != nil || id != nil {
		return string(id), err
	}
	id = []byte(rand.Text())
	return string(id), r.store.SetValue(valueDisk, id)
}

// Disk returns what was drawn when this data directory was first used. A member that lost
// its disk has another one, so the others see that it no longer has the data with which
// it founded the cluster.
func (r *Replica) Disk() string { return r.disk }

// Empty reports whether this member has never been part of a cluster.
func (r *Replica) Empty() (bool, error) { return r.store.Empty() }

// Found makes this member one of a new cluster. All founders must call it with the same
// arguments, before Start. founders are their disks, by member.
func (r *Replica) Found(founders map[string]string, members []Server) error {
	raw, err := json.Marshal(founders)
	if err != nil {
		return err
	}
	// Durable before raft's state: from here on the others may rely on this disk.
	if err := r.store.SetValue(valueFounders, raw); err != nil {
		return err
	}
	if err := r.Enter(clusterOf(founders)); err != nil {
		return err
	}
	if err := raft.BootstrapCluster(r.opts.config(), r.store, r.store, r.store.Snapshots(), r.opts.Network.Transport(), configurationOf(members)); err != nil {
		return fmt.Errorf("the cluster cannot be founded: %w", err)
	}
	return nil
}

// Enter makes this member one of a cluster for good. Call it before Start.
func (r *Replica) Enter(cluster string) error {
	if err := r.store.SetValue(valueCluster, []byte(cluster)); err != nil {
		return err
	}
	r.belong(cluster)
	return nil
}

// belong gives the cluster's id to the state and to the network.
func (r *Replica) belong(cluster string) {
	r.cluster.Store(&cluster)
	r.state.Belong(cluster)
	r.opts.Network.Belong(cluster)
}

// ClusterID returns the id of the cluster that this member belongs to, "" before it has
// entered one. It was drawn when the cluster was founded, and `voted recover` draws
// another one.
func (r *Replica) ClusterID() string {
	if id := r.cluster.Load(); id != nil {
		return *id
	}
	return ""
}

// Founders returns the disks of the members that founded the cluster, by member; nil if
// this member was not one of them.
func (r *Replica) Founders() map[string]string { return r.disksIn(valueFounders) }

// SeenDisks returns what KeepDisks kept last, nil for nothing.
func (r *Replica) SeenDisks() map[string]string { return r.disksIn(valueDisks) }

// KeepDisks keeps on which disk each member was seen, across restarts too.
func (r *Replica) KeepDisks(seen map[string]string) error {
	raw, err := json.Marshal(seen)
	if err != nil {
		return err
	}
	return r.store.SetValue(valueDisks, raw)
}

// disksIn reads a value that holds disks by member; nil if there is none.
func (r *Replica) disksIn(value string) map[string]string {
	raw, err := r.store.Value(value)
	if err != nil || raw == nil {
		return nil
	}
	var f map[string]string
	if json.Unmarshal(raw, &f) != nil {
		return nil
	}
	return f
}
