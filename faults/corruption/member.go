package corruption

import (
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
	"voted/loadtest/overlay"
)

const (
	// roundsPerCluster is how often one cluster has a member damaged.
	roundsPerCluster = 6
	adminTime        = 20 * time.Second
	refuseTime       = 30 * time.Second
)

// wounds are how a member's directory is damaged, in turn. old is an earlier copy.
var wounds = []struct {
	what string
	do   func(now, old files, dice *rand.Rand) (name string, b []byte)
}{
	{"zeroed sectors in the log file", func(now, _ files, dice *rand.Rand) (string, []byte) {
		// In the bodies of many entries: no page's structure shows it.
		b := now[logName]
		for at := 8 * sector; at+sector <= len(b); at += 4 * pageSize {
			clear(b[at+dice.IntN(sector/2) : at+sector])
		}
		return logName, b
	}},
	{"an old copy of the log file", func(_, old files, _ *rand.Rand) (string, []byte) { return logName, old[logName] }},
	{"a flipped bit in the newest snapshot", func(now, _ files, dice *rand.Rand) (string, []byte) {
		name := newest(now, "state.bin")
		b := now[name]
		b[dice.IntN(len(b))] ^= 1 << dice.IntN(8)
		return name, b
	}},
	{"a log file cut in half", func(now, _ files, _ *rand.Rand) (string, []byte) { return logName, now[logName][:len(now[logName])/2] }},
	{"a snapshot's description cut short", func(now, _ files, dice *rand.Rand) (string, []byte) {
		name := newest(now, "meta.json")
		return name, now[name][:dice.IntN(len(now[name]))]
	}},
	{"flipped bits in many entries", func(now, _ files, dice *rand.Rand) (string, []byte) {
		b := now[logName]
		for at := 2 * pageSize; at < len(b); at += pageSize / 2 {
			b[at+dice.IntN(min(pageSize/2, len(b)-at))] ^= 1 << dice.IntN(8)
		}
		return logName, b
	}},
}

// newest returns the file of the newest snapshot, by the name of its directory.
func newest(f files, file string) string {
	best, term, index := "", -1, -1
	for _, name := range f.snapshots() {
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
	binary, err := r.Changed(ctx, "restless", overlay.Edit{
		File: "internal/cluster/options.go", Old: "snapshotInterval = 2 * time.Second", New: "snapshotInterval = 150 * time.Millisecond",
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

// patients is a cluster whose members are damaged in turn.
type patients struct {
	*rig.Cluster
	r    *layer.Run
	dice *rand.Rand
	api  *client.Client
	// earlier is a copy of each member's directory before the latest load.
	earlier [3]files
	loads   []*rig.Load
}

func oneCluster(ctx context.Context, r *layer.Run, home, binary string, number, rounds int) (err error) {
	c, err := rig.Start(ctx, rig.Options{
		Dir: filepath.Join(home, fmt.Sprint("cluster-", number)), Binary: binary,
		Args: func(int) []string { return []string{"--snapshot-every", "40"} },
	})
	if err != nil {
		return err
	}
	p := &patients{Cluster: c, r: r, dice: r.Rand(fmt.Sprint("cluster ", number))}
	ctx, stop := context.WithCancel(ctx)
	defer func() {
		stop()
		if err != nil {
			c.KeepLogs(filepath.Join(r.Dir, fmt.Sprint("logs-", number)))
		}
		for _, l := range p.loads {
			l.End()
		}
		err = errors.Join(err, c.Stop())
	}()
	if err := c.Ready(ctx); err != nil {
		return err
	}
	if p.api, err = client.New(c.Endpoints()); err != nil {
		return err
	}
	defer p.api.Close()
	for n := range rounds {
		wound := (number + n) % len(wounds)
		if err := p.round(ctx, n, wound, n%3); err != nil {
			return fmt.Errorf("cluster %d, round %d (%s): %w", number, n, wounds[wound].what, err)
		}
	}
	return nil
}

// round lets the cluster work, damages a member, and rebuilds it while the others work on.
func (p *patients) round(ctx context.Context, n, wound, who int) error {
	// Two loads, so that the copy in between is old.
	if err := p.load(ctx, fmt.Sprintf("a%d", n), who); err != nil {
		return err
	}
	node := p.Nodes[who]
	p.Kill(who)
	var err error
	if p.earlier[who], err = read(node.DataDir); err != nil {
		return err
	}
	if err := node.Restart(); err != nil {
		return err
	}
	if err := p.Ready(ctx); err != nil {
		return err
	}
	if err := p.load(ctx, fmt.Sprintf("b%d", n), who); err != nil {
		return err
	}
	p.Kill(who)
	now, err := read(node.DataDir)
	if err != nil {
		return err
	}
	name, b := wounds[wound].do(now, p.earlier[who], p.dice)
	if name == "" {
		return errors.New("there is no snapshot to damage")
	}
	if err := os.WriteFile(filepath.Join(node.DataDir, name), b, 0o600); err != nil {
		return err
	}
	// The others serve meanwhile.
	load, err := rig.Begin(ctx, p.Endpoints(), p.dice.Uint64(), rig.LoadOptions{Name: fmt.Sprintf("c%d", n)})
	if err != nil {
		return err
	}
	p.loads = append(p.loads, load)
	if err := node.Restart(); err != nil {
		return err
	}
	p.refuses(ctx, who, filepath.Join(node.DataDir, name), wounds[wound].what)
	if err := p.rebuild(ctx, who); err != nil {
		return fmt.Errorf("%s cannot be rebuilt: %w", node.ID, err)
	}
	if err := p.judge(ctx, load, wounds[wound].what); err != nil {
		return err
	}
	p.r.Fault(kindNode)
	return nil
}

// load offers ballots and judges them on every node.
func (p *patients) load(ctx context.Context, name string, who int) error {
	load, err := rig.Begin(ctx, p.Endpoints(), p.dice.Uint64(), rig.LoadOptions{Name: name, Duration: 500 * time.Millisecond})
	if err != nil {
		return err
	}
	p.loads = append(p.loads, load)
	return p.judge(ctx, load, fmt.Sprintf("before %s is damaged", p.Nodes[who].ID))
}

func (p *patients) judge(ctx context.Context, load *rig.Load, what string) error {
	if err := load.Wait(ctx); err != nil {
		return err
	}
	v, err := load.Judge(ctx, p.r.Dir)
	if err != nil {
		return err
	}
	rig.Report(p.r, v, what)
	p.r.Acknowledged(v.Acknowledged)
	return nil
}

// refuses expects the damaged member to end by itself, in a sentence that names the
// file and the way back.
func (p *patients) refuses(ctx context.Context, who int, path, what string) {
	node := p.Nodes[who]
	ctx, cancel := context.WithTimeout(ctx, refuseTime)
	defer cancel()
	select {
	case <-node.Exited():
	case <-ctx.Done():
		p.r.Violation("O7", "%s runs on, with %s", node.ID, what)
		p.Kill(who)
		return
	}
	said := node.LogTail()
	if !strings.Contains(said, path) || !strings.Contains(said, "join") {
		p.r.Violation("O7", "%s stops, with %s, and does not name %s and the way back; it says: %s", node.ID, what, path, said)
	}
}

// rebuild is what the sentence says: removed, emptied, joined.
func (p *patients) rebuild(ctx context.Context, who int) error {
	node := p.Nodes[who]
	var others []string
	for i, n := range p.Nodes {
		if i != who {
			others = append(others, n.PeerAddr)
		}
	}
	call, cancel := context.WithTimeout(ctx, adminTime)
	defer cancel()
	if err := p.api.RemoveMember(call, node.ID); err != nil {
		return err
	}
	if err := os.RemoveAll(node.DataDir); err != nil {
		return err
	}
	if err := p.api.AddMember(call, node.ID, node.PeerAddr); err != nil {
		return err
	}
	if at := slices.Index(node.Args, "--cluster"); at >= 0 {
		node.Args = slices.Replace(slices.Clone(node.Args), at, at+2, "--join", strings.Join(others, ","))
	}
	if err := node.Restart(); err != nil {
		return err
	}
	return p.Ready(ctx)
}
