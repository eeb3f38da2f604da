package demo

import (
	"math/rand/v2"
	"slices"
	"strconv"
)

// How many voters send their ballot again, in thousandths of all. A voter may be in
// several groups; together they are a third of the voters.
const (
	atOnceShare  = 130 // on another connection, at the same moment
	laterShare   = 130 // after the answer, to whichever node is next
	afterFailure = 260 // of those that voted before the kill: once more after it
)

// laterBy is how many requests are between a ballot and its later repetition.
const laterBy = 5000

// The marks, as shares of all requests: the leader is killed at killAt, repetitions after
// the failure are sent from againFrom on, and the killed node is started again at restartAt.
const (
	killAt    = 0.50
	againFrom = 0.55
	restartAt = 0.65
)

// schedule is what is sent, in order: numbers of voters. A voter that occurs twice sends
// the same ballot again.
type schedule struct {
	votes    []uint16 // the type of each voter's ballot
	requests []uint32
}

// plan makes a schedule that depends only on its arguments.
func plan(types []ballotType, seed uint64) schedule {
	rng := rand.New(rand.NewPCG(seed, 2022))
	s := schedule{votes: electorate(types, rng)}
	voters := len(s.votes)
	// Where a repetition goes is a place among the first ballots, so that all
	// are sorted once.
	type place struct {
		at    float64
		voter uint32
	}
	places := make([]place, 0, voters*3/2)
	for v := range voters {
		at := float64(v)
		places = append(places, place{at, uint32(v)})
		if rng.IntN(1000) < atOnceShare {
			places = append(places, place{at + 0.5, uint32(v)})
		}
		if rng.IntN(1000) < laterShare {
			places = append(places, place{min(at+laterBy, float64(voters)), uint32(v)})
		}
		if at < killAt*0.9*float64(voters) && rng.IntN(1000) < afterFailure {
			places = append(places, place{(againFrom + (1-againFrom)*rng.Float64()) * float64(voters), uint32(v)})
		}
	}
	slices.SortStableFunc(places, func(a, b place) int {
		switch {
		case a.at < b.at:
			return -1
		case a.at > b.at:
			return 1
		}
		return 0
	})
	s.requests = make([]uint32, len(places))
	for i, p := range places {
		s.requests[i] = p.voter
	}
	return s
}

// mark is the number of the request at a share of the schedule.
func (s *schedule) mark(share float64) int64 { return int64(share * float64(len(s.requests))) }

// voterID names a voter: "v-000017".
func voterID(v uint32) string {
	b := append(make([]byte, 0, 12), "v-"...)
	for width := uint32(100000); width > max(v, 1); width /= 10 {
		b = append(b, '0')
	}
	return string(strconv.AppendUint(b, uint64(v), 10))
}
