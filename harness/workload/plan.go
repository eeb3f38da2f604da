package workload

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"voted/client"
)

// Options are what a workload depends on.
type Options struct {
	Seed  uint64 `json:"seed"`
	Polls int    `json:"polls"`
	// Duplicates is the share of ballots that are sent again, 0 to 1.
	Duplicates float64 `json:"duplicates"`
	// Prefix begins the ids of the polls.
	Prefix string `json:"prefix"`
}

// Shares, from 0 to 1, by which the plan draws what voters do.
const (
	// replaceShare of the voters replace their ballot, in polls that allow it.
	replaceShare = 0.15
	// lateShare of those send their first ballot once more afterwards.
	lateShare = 0.5
	// rivalShare of the voters send two different ballots at the same moment.
	rivalShare = 0.01
	// conflictShare of the duplicates carry another choice.
	conflictShare = 0.08
	// secondShare of the ballots that are sent again are sent again in a second way, too.
	secondShare = 0.1
)

// MaxPolls bounds the polls of one run; each has an export to read from every node.
const MaxPolls = 1000

// Plan is a workload.
type Plan struct {
	Options
	polls []*Poll
}

// Vote is all that one voter does in one poll.
type Vote struct {
	Number uint64 // of the vote in the plan, from 0
	Poll   int
	Voter  string
	First  uint8
	// Again lists the duplicates that are made of the first ballot.
	Again []Kind
	// Other is the choice of a Rival or a Conflict, Replacement that of the replacement.
	// They mean nothing unless HasRival, Again or Replaces says that there is one.
	Other, Replacement uint8
	HasRival, Replaces bool
	// Late: the first ballot is sent once more after it was replaced.
	Late bool
}

// New makes the plan of the options.
func New(o Options) (*Plan, error) {
	switch {
	case o.Polls < 1 || o.Polls > MaxPolls:
		return nil, fmt.Errorf("--polls must be 1 to %d, not %d", MaxPolls, o.Polls)
	case !(o.Duplicates >= 0 && o.Duplicates <= 1):
		return nil, fmt.Errorf("--duplicates is a share, from 0 to 1, not %v", o.Duplicates)
	}
	p := &Plan{Options: o}
	for i := range o.Polls {
		poll, err := NewPoll(definition(o.Prefix, i))
		if err != nil {
			return nil, err
		}
		p.polls = append(p.polls, poll)
	}
	return p, nil
}

// definition mixes methods, revoting and secrecy with periods 4, 2 and 3, so that
// the first polls differ as much as possible.
func definition(prefix string, i int) client.Definition {
	methods := []client.Method{client.Plurality, client.Approval, client.IRV, client.ScoreVoting}
	d := client.Definition{
		ID: prefix + "-" + strconv.Itoa(i+1), Title: "Load test, poll " + strconv.Itoa(i+1),
		Options: client.Options(optionIDs...), Method: methods[i%len(methods)],
		Revote: client.RevoteNever, Secrecy: client.Open,
	}
	if d.Method == client.Approval {
		d.MaxSelections = len(optionIDs)
	}
	if i%2 == 1 {
		d.Revote = client.RevoteUntilClose
	}
	if i%3 == 2 {
		d.Secrecy = client.Secret
	}
	return d
}

// Poll returns a poll by its position.
func (p *Plan) Poll(i int) *Poll { return p.polls[i] }

// Vote returns a vote by its number. Voters go through the polls in turn: voter n
// of poll k is vote n·polls + k.
func (p *Plan) Vote(number uint64) Vote {
	r := rand.New(rand.NewPCG(p.Seed, number))
	v := Vote{Number: number, Poll: int(number % uint64(p.Polls)), Voter: p.Voter(number)}
	poll := p.polls[v.Poll]
	n := poll.Choices()
	v.First = uint8(r.IntN(n))
	// The three choices must differ: a ballot that equals the voter's current one would be
	// a replay.
	away := 1 + r.IntN(n-1)
	further := 1 + (away+r.IntN(n-2))%(n-1)
	v.Other, v.Replacement = uint8((int(v.First)+away)%n), uint8((int(v.First)+further)%n)
	v.HasRival = r.Float64() < rivalShare
	if poll.Revotes() && !v.HasRival && r.Float64() < replaceShare {
		v.Replaces = true
		v.Late = r.Float64() < lateShare
	}
	if r.Float64() < p.Duplicates {
		v.addDuplicate(duplicate(r))
		if r.Float64() < secondShare {
			v.addDuplicate(duplicate(r))
		}
	}
	return v
}

// addDuplicate adds a way in which the ballot is sent again. A voter with a rival ballot has
// no other conflict, so that each voter has at most one other choice to account for.
func (v *Vote) addDuplicate(k Kind) {
	if k == Conflict && v.HasRival {
		k = Immediate
	}
	if !slices.Contains(v.Again, k) {
		v.Again = append(v.Again, k)
	}
}

// duplicate draws a way in which a ballot is sent again.
func duplicate(r *rand.Rand) Kind {
	if r.Float64() < conflictShare {
		return Conflict
	}
	return [...]Kind{Immediate, Concurrent, OtherNode, AfterFailover, AfterRestart}[r.IntN(5)]
}

// Voter returns the voter of a vote.
func (p *Plan) Voter(number uint64) string {
	return "v" + strconv.FormatUint(number/uint64(p.Polls), 10)
}

// NumberOf returns the number of a voter's vote in a poll; false: the plan has no such
// voter.
func (p *Plan) NumberOf(poll int, voter string) (uint64, bool) {
	digits, ok := strings.CutPrefix(voter, "v")
	n, err := strconv.ParseUint(digits, 10, 40)
	if !ok || err != nil || strconv.FormatUint(n, 10) != digits {
		return 0, false
	}
	return n*uint64(p.Polls) + uint64(poll), true
}
