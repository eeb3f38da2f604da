package corruption

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"voted/client"
	"voted/faults/layer"
	"voted/faults/rig"
	"voted/harness/overlay"
)

const (
	// roundsPerCluster is how often one cluster has a member damaged.
	roundsPerCluster = 6
	// adminTime bounds how long it may take to remove a member and to add it again.
	adminTime = 20 * time.Second
	// refuseTime bounds how long a damaged member may run before it stops.
	refuseTime = 30 * time.Second
)

// memberDamage is one way to damage a member's directory. do gets its files as they are
// and as they were earlier. It returns the name of one file and its new content, and may
// overwrite the contents in now.
type memberDamage struct {
	what string
	do   func(now, old files, dice *rand.Rand) (name string, b []byte)
}

// memberDamages are made in turn.
var memberDamages = []memberDamage{
	{"half zeroed sectors in the log", func(now, _ files, dice *rand.Rand) (string, []byte) {
		name, used := segment(now)
		b := now[name]
		for at := sector; at+sector <= used; at += 8 * sector {
			clear(b[at+dice.IntN(sector/2) : at+sector])
		}
		return name, b
	}},
	{"an old copy of the log", func(now, old files, _ *rand.Rand) (string, []byte) {
		name, _ := segment(now)
		return name, old[name]
	}},
	{"a flipped bit in the newest snapshot", func(now, _ files, dice *rand.Rand) (string, []byte) {
		name := newest(now, "state.bin")
		b := now[name]
		b[dice.IntN(len(b))] ^= 1 << dice.IntN(8)
		return name, b
	}},
	{"a segment cut in half", func(now, _ files, _ *rand.Rand) (string, []byte) {
		name, _ := segment(now)
		return name, now[name][:len(now[name])/2]
	}},
	{"a snapshot's description cut short", func(now, _ files, dice *rand.Rand) (string, []byte) {
		name := newest(now, "meta.json")
		return name, now[name][:dice.IntN(len(now[name]))]
	}},
	{"flipped bits in many entries", func(now, _ files, dice *rand.Rand) (string, []byte) {
		name, used := segment(now)
		b := now[name]
		for at := sector; at < used; at += 4 * sector {
			b[at+dice.IntN(sector)] ^= 1 << dice.IntN(8)
		}
		return name, b
	}},
}

// segment returns the segment of the log that was written to last, and how many of its
// bytes are in use.
func segment(f files) (name string, used int) {
	for _, n := range f.below(logDir) {
		if u := len(bytes.TrimRight(f[n], "\x00")); u > sector {
			name, used = n, u
		}
	}
	return name, used
}

// newest returns the path of a file of the newest snapshot. The names of the snapshots'
// directories say which one is the newest.
func newest(f files, file string) string {
	best, term, index := "", -1, -1
	for _, name := range f.below(snapshotDir) {
		var t, i, ms int
		if filepath.Base(name) != file || strings.HasSuffix(filepath.Dir(name), ".tmp") {
			continue
		}
		if _, err := fmt.Sscanf(filepath.Base(filepath.Dir(name)), "%d-%d-%d", &t, &i, &ms); err == nil && (t > term || t == term && i > index) {
			best, term, index = name, t, i
		}
	}
	return best
}

// memberRounds damages members of clusters as often as the floor asks for.
func memberRounds(ctx context.Context, r *layer.Run, home string) error {
	binary, err := r.Changed(ctx, "soon-snapshots", overlay.Edit{
		File: "internal/cluster/replica/options.go", Old: "snapshotInterval = 2 * time.Second", New: "snapshotInterval = 150 * time.Millisecond",
	})
	if err != nil {
		return err
	}
	for n := 0; n < r.Floor(kindNode); n += roundsPerCluster {
		if err := oneCluster(ctx, r, home, binary, n, min(roundsPerCluster, r.Floor(kindNode)-n)); err != nil {
			return err
		}
	}
	return nil
}

// trial is one cluster, whose members are damaged in turn.
type trial struct {
	*rig.Cluster
	run  *layer.Run
	dice *rand.Rand
	api  *client.Client
	// earlier is a copy of each member's directory before the latest load.
	earlier [3]files
	loads   []*rig.Load // of all rounds so far
}

// oneCluster starts a cluster, makes its rounds and stops it.
func oneCluster(ctx context.Context, r *layer.Run, home, binary string, number, rounds int) (err error) {
	c, err := rig.Start(ctx, rig.Options{
		Dir: filepath.Join(home, fmt.Sprint("cluster-", number)), Binary: binary,
		Args: func(int) []string { return []string{"--snapshot-every", "40"} },
	})
	if err != nil {
		return err
	}
	t := &trial{Cluster: c, run: r, dice: r.Rand(fmt.Sprint("cluster ", number))}
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		if err != nil {
			c.KeepLogs(filepath.Join(r.Dir, fmt.Sprint("logs-", number)))
		}
		for _, l := range t.loads {
			l.End()
		}
		err = errors.Join(err, c.Stop())
	}()
	if err := c.Ready(ctx); err != nil {
		return err
	}
	if t.api, err = client.New(c.Endpoints()); err != nil {
		return err
	}
	defer t.api.Close()
	for n := range rounds {
		d := memberDamages[(number+n)%len(memberDamages)]
		if err := t.round(ctx, n, d, n%3); err != nil {
			return fmt.Errorf("cluster %d, round %d (%s): %w", number, n, d.what, err)
		}
	}
	return nil
}

// round casts ballots, damages a member, and rebuilds it while the others take ballots.
func (t *trial) round(ctx context.Context, n int, d memberDamage, victim int) error {
	// The copy between the two loads is older than what the member has in the end.
	if err := t.load(ctx, fmt.Sprintf("a%d", n), victim); err != nil {
		return err
	}
	node := t.Nodes[victim]
	t.Kill(victim)
	var err error
	if t.earlier[victim], err = read(node.DataDir); err != nil {
		return err
	}
	if err := node.Restart(); err != nil {
		return err
	}
	if err := t.Ready(ctx); err != nil {
		return err
	}
	if err := t.load(ctx, fmt.Sprintf("b%d", n), victim); err != nil {
		return err
	}
	t.Kill(victim)
	now, err := read(node.DataDir)
	if err != nil {
		return err
	}
	name, b := d.do(now, t.earlier[victim], t.dice)
	if name == "" || b == nil {
		return errors.New("there is nothing to damage")
	}
	if err := os.WriteFile(filepath.Join(node.DataDir, name), b, 0o600); err != nil {
		return err
	}
	// The others must serve while the member is damaged and rebuilt.
	load, err := rig.Begin(ctx, t.Endpoints(), t.dice.Uint64(), rig.LoadOptions{Name: fmt.Sprintf("c%d", n)})
	if err != nil {
		return err
	}
	t.loads = append(t.loads, load)
	if err := node.Restart(); err != nil {
		return err
	}
	named := filepath.Join(node.DataDir, name)
	if bytes.Equal(b, t.earlier[victim][name]) {
		// The old file is sound by itself, and the end of the log is missing. The error then
		// names the log's directory.
		named = filepath.Dir(named)
	}
	t.checkStops(ctx, victim, named, d.what)
	if err := t.rebuild(ctx, victim); err != nil {
		return fmt.Errorf("%s cannot be rebuilt: %w", node.ID, err)
	}
	if err := t.judge(ctx, load, d.what); err != nil {
		return err
	}
	t.run.Fault(kindNode)
	return nil
}

// load casts ballots and judges what every node has.
func (t *trial) load(ctx context.Context, name string, victim int) error {
	load, err := rig.Begin(ctx, t.Endpoints(), t.dice.Uint64(), rig.LoadOptions{Name: name, Duration: 500 * time.Millisecond})
	if err != nil {
		return err
	}
	t.loads = append(t.loads, load)
	return t.judge(ctx, load, fmt.Sprintf("before %s is damaged", t.Nodes[victim].ID))
}

// judge waits until a load is over and judges what every node has.
func (t *trial) judge(ctx context.Context, load *rig.Load, what string) error {
	if err := load.Wait(ctx); err != nil {
		return err
	}
	v, err := load.Judge(ctx, t.run.Dir)
	if err != nil {
		return err
	}
	rig.Report(t.run, v, what)
	t.run.Acknowledged(v.Acknowledged)
	return nil
}

// checkStops reports a violation unless the damaged member ends by itself, and its log
// names the path and the way back.
func (t *trial) checkStops(ctx context.Context, victim int, path, what string) {
	node := t.Nodes[victim]
	ctx, cancel := context.WithTimeout(ctx, refuseTime)
	defer cancel()
	select {
	case <-node.Exited():
	case <-ctx.Done():
		t.run.Violation("O7", "%s does not stop, with %s", node.ID, what)
		t.Kill(victim)
		return
	}
	log := node.LogTail()
	if !strings.Contains(log, path) || !strings.Contains(log, "join") {
		t.run.Violation("O7", "%s stops, with %s, but its log does not name %s and the way back: %s", node.ID, what, path, log)
	}
}

// repeat makes a change of members again while its outcome is unknown. The client does not
// do so by itself. It is safe here because no one else changes members.
func repeat(ctx context.Context, change func() error) error {
	for {
		err := change()
		if !errors.Is(err, client.ErrOutcomeUnknown) || ctx.Err() != nil {
			return err
		}
	}
}

// rebuild does what a damaged member's error says: it removes the member, empties its
// directory and lets it join.
func (t *trial) rebuild(ctx context.Context, victim int) error {
	node := t.Nodes[victim]
	var others []string
	for i, n := range t.Nodes {
		if i != victim {
			others = append(others, n.PeerAddr)
		}
	}
	call, cancel := context.WithTimeout(ctx, adminTime)
	defer cancel()
	if err := repeat(call, func() error { return t.api.RemoveMember(call, node.ID) }); err != nil {
		return err
	}
	if err := os.RemoveAll(node.DataDir); err != nil {
		return err
	}
	if err := repeat(call, func() error { return t.api.AddMember(call, node.ID, node.PeerAddr) }); err != nil {
		return err
	}
	if at := slices.Index(node.Args, "--cluster"); at >= 0 {
		node.Args = slices.Replace(slices.Clone(node.Args), at, at+2, "--join", strings.Join(others, ","))
	}
	if err := node.Restart(); err != nil {
		return err
	}
	return t.Ready(ctx)
}
