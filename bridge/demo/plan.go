package main

import (
	"fmt"
	"math/rand/v2"
)

// Polls of the demonstration.
const (
	poll       = "bridge-demo"
	closedPoll = "closed-demo" // its ballots are poison
)

var options = []string{"ann", "bo", "cy"}

// sent is a message of the stream.
type sent struct {
	poll, body string
	poison     string // the code of its dead letter; empty: its ballot counts
}

// expected is what must be in the box of a voter.
type expected struct {
	option  string
	version uint64
}

// plan is a stream and what must come of it.
type plan struct {
	stream  []sent
	voters  map[string]expected
	revotes int
	poison  map[string]int // by code
}

// newPlan makes a stream of so many voters: a tenth vote twice, a third of the messages come again, one of 500 is
// poison, and all are in a random order.
func newPlan(voters int, seed uint64) *plan {
	r := rand.New(rand.NewPCG(seed, 0))
	p := &plan{voters: make(map[string]expected, voters), poison: map[string]int{}}
	for i := range voters {
		voter, first := fmt.Sprintf("v-%d", i), r.IntN(len(options))
		p.add(voter, options[first], 0)
		p.voters[voter] = expected{options[first], 1}
		if i%10 == 0 {
			second := options[(first+1)%len(options)]
			p.add(voter, second, 1)
			p.voters[voter] = expected{second, 2}
			p.revotes++
		}
	}
	for i := range len(p.stream) / 3 {
		p.stream = append(p.stream, p.stream[i*3])
	}
	for i := range max(4, voters/500) {
		p.addPoison(i)
	}
	r.Shuffle(len(p.stream), func(i, j int) { p.stream[i], p.stream[j] = p.stream[j], p.stream[i] })
	return p
}

func (p *plan) add(voter, option string, version uint64) {
	body := fmt.Sprintf(`{"voter":%q,"selections":[%q]}`, voter, option)
	if version > 0 {
		body = fmt.Sprintf(`{"voter":%q,"selections":[%q],"if_version":%d}`, voter, option, version)
	}
	p.stream = append(p.stream, sent{poll: poll, body: body})
}

// addPoison adds a message that can never be counted, of each kind in turn.
func (p *plan) addPoison(i int) {
	kinds := []sent{
		{poll, fmt.Sprintf(`no JSON %d`, i), "malformed_request"},
		{poll, fmt.Sprintf(`{"voter":"p-%d","selections":["nobody"]}`, i), "invalid_ballot"},
		{poll, fmt.Sprintf(`{"voter":" p-%d","selections":["ann"]}`, i), "invalid_voter"},
		{closedPoll, fmt.Sprintf(`{"voter":"p-%d","selections":["ann"]}`, i), "poll_closed"},
	}
	s := kinds[i%len(kinds)]
	p.stream = append(p.stream, s)
	p.poison[s.poison]++
}
