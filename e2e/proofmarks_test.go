package e2e

import (
	"crypto/sha256"
	enc "encoding/binary"
	"fmt"
	"hash/crc32"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"voted/client"
	"voted/harness/overlay"
	"voted/internal/localcluster"
)

// provable is a cluster on loopback whose polls have logs.
type provable struct {
	*localcluster.Cluster
	t   *testing.T
	dir string // what people keep: policies, receipts, heads, a copy of the log
}

func startProvable(t *testing.T, program string, env ...string) *provable {
	t.Helper()
	long(t)
	c, err := localcluster.Start(t.Context(), localcluster.Options{
		Binary: program, Nodes: 3, Dir: t.TempDir(), LogName: logName, Env: env,
		Args: func(int) []string { return []string{"--proof-interval", "100ms"} },
	})
	if err != nil {
		t.Fatal(err)
	}
	stopsAtTheEnd(t, c)
	ready(t, c)
	return &provable{c, t, t.TempDir()}
}

// kept names a file that people keep.
func (p *provable) kept(name string) string { return filepath.Join(p.dir, name) }

// policy writes the policy of the poll, and returns its file.
func (p *provable) policy(lineage string) string {
	p.t.Helper()
	policy, err := p.Policy("board", lineage)
	if err != nil {
		p.t.Fatal(err)
	}
	file := p.kept("board." + lineage + ".policy")
	if err := os.WriteFile(file, []byte(policy.String()), 0o600); err != nil {
		p.t.Fatal(err)
	}
	return file
}

// cast casts the ballots of some voters, and keeps a receipt of each under its voter's name. Each was checked.
func (p *provable) cast(policy string, choice string, voters ...string) {
	p.t.Helper()
	all := newClient(p.t, p.Endpoints(), proving(p.t, policy))
	for _, voter := range voters {
		r, err := all.Cast(p.t.Context(), "board", voter, client.Choose(choice))
		if err != nil {
			p.t.Fatal(err)
		}
		if err := os.WriteFile(p.kept(voter), []byte(r.Proof), 0o600); err != nil {
			p.t.Fatal(err)
		}
	}
}

// holds checks the receipts of some voters.
func (p *provable) holds(policy string, voters ...string) {
	p.t.Helper()
	for _, voter := range voters {
		mustVoted(p.t, "verify", "receipt", p.kept(voter), "--policy", policy, "--voter", voter)
	}
}

// keepHead waits until a node serves the head of so many ballots, keeps it, and returns its file.
func (p *provable) keepHead(n *localcluster.Node, name string, ballots int) string {
	p.t.Helper()
	at := dial(p.t, n.URL)
	var head []byte
	await(p.t, fmt.Sprintf("a head of %d ballots at %s", ballots, n.ID), func() bool {
		var err error
		head, err = at.LogFile(p.t.Context(), "board", client.LogCheckpoint)
		line := strings.Split(string(head), "\n")
		return err == nil && line[1] == strconv.Itoa(1+ballots)
	})
	if err := os.WriteFile(p.kept(name), head, 0o600); err != nil {
		p.t.Fatal(err)
	}
	return p.kept(name)
}

// continues checks that the log, copied again from a node once that has so many ballots, continues an older head.
func (p *provable) continues(n *localcluster.Node, ballots int, policy, older string) {
	p.t.Helper()
	p.keepHead(n, "newest", ballots)
	mustVoted(p.t, "mirror", "board", p.kept("log"), "--policy", policy, "--endpoint", n.URL)
	out := mustVoted(p.t, "verify", "growth", older, p.kept("log/checkpoint"), "--policy", policy, "--log-dir", p.kept("log"))
	if !strings.Contains(out, "board has grown from ") {
		p.t.Errorf("the log says %s", out)
	}
}

// noForks checks that no member has found a log that it must not sign again.
func (p *provable) noForks() {
	p.t.Helper()
	s, err := dial(p.t, p.Endpoints()...).Cluster(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	for _, f := range s.Findings {
		if f.Kind == "log_forked" {
			p.t.Errorf("%s: %s", f.Member, f.Text)
		}
	}
}

// All members are killed when each has written down what it is about to sign, and has not signed it. What they wrote
// down binds them, and is what they sign after their restart.
func TestMembersKilledBetweenTheirMarkAndTheirSignatureGoOnWithTheSameLog(t *testing.T) {
	t.Parallel()
	long(t)
	program, err := overlay.Build(t.Context(), t.TempDir(), overlay.Node, overlay.StopAtMark...)
	if err != nil {
		t.Fatal(err)
	}
	// Given receipts and a head,
	stop := filepath.Join(t.TempDir(), "stop")
	p := startProvable(t, program, "STOP_AT_MARK="+stop)
	policy := p.policy("1")
	all := dial(t, p.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "board"})
	p.cast(policy, "ann", "v-1", "v-2", "v-3")
	head := p.keepHead(p.Nodes[0], "head", 3)
	// when ballots follow, and every member is killed between its mark and its signature,
	if err := os.WriteFile(stop, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	castSome(t, all, 4, 8)
	for _, n := range p.Nodes {
		await(t, n.ID+" to be between its mark and its signature", func() bool { return exists(fmt.Sprintf("%s.%d", stop, n.Pid())) })
	}
	for _, n := range p.Nodes {
		if err := n.Kill(); err != nil {
			t.Fatal(err)
		}
		if size := markOf(t, n).size; size <= 4 {
			t.Fatalf("%s was not killed after its mark: that says %d entries", n.ID, size)
		}
	}
	if err := os.Remove(stop); err != nil {
		t.Fatal(err)
	}
	for _, n := range p.Nodes {
		if err := n.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	ready(t, p.Cluster)
	// then these ballots are proven too, the log goes on, and what was signed before holds.
	p.cast(policy, "ann", "v4", "v7", "v-8")
	p.continues(p.Nodes[1], 8, policy, head)
	p.holds(policy, "v-1", "v-2", "v-3", "v4", "v7", "v-8")
	p.noForks()
}

// What a member has signed is on its disk. Where that is set back, the others remember it; and where it says what its
// ballots deny, it signs no more.
func TestAMemberWhoseMarksAreSetBackSignsOnlyWhatContinuesWhatItSigned(t *testing.T) {
	t.Parallel()
	p := startProvable(t, binary)
	policy := p.policy("1")
	all := dial(t, p.Endpoints()...)
	createPoll(t, all, client.Definition{ID: "board"})
	p.cast(policy, "ann", "v-1", "v-2")
	// Given a member with an older copy of its marks and heads, which has signed more since,
	victim, other := p.Nodes[2], p.Nodes[1]
	stopInOrder(t, victim)
	older := map[string][]byte{}
	for _, name := range []string{"proof.mark", "proof.heads"} {
		older[name] = contentOf(t, filepath.Join(victim.DataDir, name))
	}
	restarted(t, p.Cluster, victim)
	stopInOrder(t, other) // so that its signature is needed
	p.cast(policy, "ann", "v-3", "v-4")
	restarted(t, p.Cluster, other)
	head := p.keepHead(victim, "head", 4)
	// when the copy is put back,
	stopInOrder(t, victim)
	for name, content := range older {
		if err := os.WriteFile(filepath.Join(victim.DataDir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if size := markOf(t, victim).size; size >= 5 {
		t.Fatalf("the older copy has the newest mark, of %d entries", size)
	}
	restarted(t, p.Cluster, victim)
	// then it learns from the others what it signed, says so, and signs what continues that.
	awaitLog(t, victim, "it was set back or replaced")
	await(t, "its mark to be moved up", func() bool { return markOf(t, victim).size == 5 })
	stopInOrder(t, other)
	p.cast(policy, "ann", "v-5")
	restarted(t, p.Cluster, other)
	p.continues(victim, 5, policy, head)
	p.noForks()

	// When its mark says that it signed another log under this name,
	stopInOrder(t, victim)
	forgeMark(t, victim)
	restarted(t, p.Cluster, victim)
	// then heads go on without it, and it signs none of them.
	more := 100
	await(t, victim.ID+" to be asked, and to refuse", func() bool {
		castSome(t, all, more, more+1)
		more++
		return strings.Contains(string(contentOf(t, victim.LogPath)), "it never signs that log again")
	})
	awaitFinding(t, all, "log_forked", "", victim.ID)
	p.cast(policy, "ann", "v-6")
	stopInOrder(t, other)
	castSome(t, all, 7, 8)
	if said, errs, code := voted(t, "proof", "get", "board", "v7", "--endpoint", victim.URL, "--timeout", "1500ms"); code != 1 || !strings.Contains(errs, "The members have not signed the log so far yet") {
		t.Errorf("without a majority that signs: exit code %d: %s%s", code, said, errs)
	}
	restarted(t, p.Cluster, other)
	p.cast(policy, "ann", "v7")
	p.holds(policy, "v-1", "v-2", "v-3", "v-4", "v-5", "v-6", "v7")
}

// restarted starts a node again, and waits for it.
func restarted(t *testing.T, c *localcluster.Cluster, n *localcluster.Node) {
	t.Helper()
	if err := n.Restart(); err != nil {
		t.Fatal(err)
	}
	ready(t, c)
}

// mark is what a member's file of marks has about the log of the poll. Package prover has its form.
type mark struct {
	size uint64
	slot []byte
	at   int64
}

const slotBytes = 64

func markOf(t *testing.T, n *localcluster.Node) (m mark) {
	t.Helper()
	key := sha256.Sum256([]byte(logName + "/board/1"))
	file := contentOf(t, filepath.Join(n.DataDir, "proof.mark"))
	for at := 0; at+slotBytes <= len(file); at += slotBytes {
		if slot := file[at : at+slotBytes]; string(slot[:16]) == string(key[:16]) {
			return mark{enc.BigEndian.Uint64(slot[16:]), slot, int64(at)}
		}
	}
	return mark{}
}

// forgeMark lets the mark of a member that is stopped say that it signed another log of the same name and size.
func forgeMark(t *testing.T, n *localcluster.Node) {
	t.Helper()
	m := markOf(t, n)
	m.slot[24] ^= 1 // the first byte of the root
	enc.BigEndian.PutUint32(m.slot[60:], crc32.Checksum(m.slot[:60], crc32.MakeTable(crc32.Castagnoli)))
	f, err := os.OpenFile(filepath.Join(n.DataDir, "proof.mark"), os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteAt(m.slot, m.at); err != nil {
		t.Fatal(err)
	}
}
