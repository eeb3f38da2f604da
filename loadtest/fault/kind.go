// Package fault breaks the cluster on a seeded schedule, mends it, and measures how
// long nothing was acknowledged.
package fault

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// Kind is what is broken.
type Kind string

// The kinds.
const (
	Kill         Kind = "kill"          // SIGKILL of the leader, restarted after a second
	FollowerKill Kind = "follower-kill" // the same of a follower
	AllKill      Kind = "all-kill"      // SIGKILL of all nodes at once
	Term         Kind = "term"          // SIGTERM of the leader, restarted when it has ended
	Pause        Kind = "pause"         // SIGSTOP of the leader, SIGCONT later
	Partition    Kind = "partition"     // the leader is cut off from the others, both ways
	OneWay       Kind = "one-way"       // the leader's messages, or those to it, are lost
	CutAnswer    Kind = "cut-answer"    // a share of the answers is lost after the commit
	Minority     Kind = "minority"      // a follower is cut off from the others, both ways
	Bridge       Kind = "bridge"        // the leader and a follower do not reach each other, the others reach both
	Bandwidth    Kind = "bandwidth"     // the leader's link is slow
	Delay        Kind = "delay"         // messages from and to the leader arrive late
	Move         Kind = "move"          // a member is stopped, and started at another address
	MoveAll      Kind = "move-all"      // so are all members, and --cluster names the new addresses
	Foreign      Kind = "foreign"       // a follower is started on another cluster's directory
)

// about says what each kind of fault does, for the report.
var about = map[Kind]string{
	Kill:         "SIGKILL of the leader; restarted after 1 s",
	FollowerKill: "SIGKILL of a follower; restarted after 1 s",
	AllKill:      "SIGKILL of all nodes at once; restarted at once",
	Term:         "SIGTERM of the leader; restarted when it has ended",
	Pause:        "SIGSTOP of the leader, SIGCONT after 3 s",
	Partition:    "the leader cut off from the other members, both ways, for 3 s",
	OneWay:       "messages from the leader, or those to it, lost for 3 s",
	CutAnswer:    "a fifth of the answers lost after the commit, for 2 s",
	Minority:     "a follower cut off from the other members, both ways, for 3 s",
	Bridge:       "the leader and one follower cut off from each other, not from the others, for 3 s",
	Bandwidth:    "the leader's link held to 2 Mbit/s for 3 s",
	Delay:        "the leader's messages and those to it 10 to 80 ms late, for 3 s",
	Move:         "a member, the leader every other time, stopped in order and started at another address",
	MoveAll:      "all nodes stopped in order and started at other addresses",
	Foreign:      "a follower started on the directory that it had in a rehearsal, then on its own",
}

// Kinds returns all kinds.
func Kinds() []Kind {
	return []Kind{Kill, FollowerKill, AllKill, Term, Pause, Partition, OneWay, CutAnswer, Minority, Bridge, Bandwidth, Delay, Move, MoveAll, Foreign}
}

// About says in a few words what the fault does.
func (k Kind) About() string { return about[k] }

// OnLeader reports whether every fault of the kind takes the leader away.
func (k Kind) OnLeader() bool {
	return k == Kill || k == Term || k == Pause || k == Partition || k == OneWay || k == AllKill || k == MoveAll
}

// OnLinks reports whether the fault is made between the members.
func (k Kind) OnLinks() bool {
	switch k {
	case Partition, OneWay, Minority, Bridge, Bandwidth, Delay:
		return true
	}
	return false
}

// Cuts reports whether the fault cuts members off from each other.
func (k Kind) Cuts() bool { return k.OnLinks() && k != Bandwidth && k != Delay }

// Kills reports whether the fault ends processes without a warning.
func (k Kind) Kills() bool { return k == Kill || k == FollowerKill || k == AllKill }

// NeedsProcesses reports whether the fault is made on processes that the load test starts.
func (k Kind) NeedsProcesses() bool { return k != CutAnswer }

// Weighted is a kind and its weight: how often it is in the mix.
type Weighted struct {
	Kind   Kind
	Weight int
}

// maxWeight bounds a weight. It is enough for every ratio that a run can show.
const maxWeight = 100

// ParseMix reads kinds with an optional weight: "kill=5", "term".
func ParseMix(words []string) ([]Weighted, error) {
	var mix []Weighted
	for _, word := range words {
		word = strings.TrimSpace(word)
		if word == "" || word == "none" {
			continue
		}
		name, weight, weighted := strings.Cut(word, "=")
		w := Weighted{Kind(name), 1}
		if !slices.Contains(Kinds(), w.Kind) {
			return nil, fmt.Errorf("there is no fault %q; there are %s, and none", name, list(Kinds()))
		}
		if weighted {
			n, err := strconv.Atoi(weight)
			if err != nil || n < 1 || n > maxWeight {
				return nil, fmt.Errorf("fault %q: the weight must be 1 to %d", word, maxWeight)
			}
			w.Weight = n
		}
		mix = append(mix, w)
	}
	return mix, nil
}

func list(kinds []Kind) string {
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = string(k)
	}
	return strings.Join(names, ", ")
}
