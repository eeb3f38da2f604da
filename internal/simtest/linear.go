package simtest

import (
	"fmt"
	"slices"

	"voted/internal/refusal"

	"github.com/anishathalye/porcupine"
)

// register is one voter's ballot in one poll, as the rules describe it: the choices by
// version, and whether the poll was seen closed.
type register struct {
	choices string // one byte a version
	closed  bool
}

// registerModel says which answers a register allows.
var registerModel = porcupine.Model{
	Init: func() any { return register{} },
	Step: func(state, input, _ any) (bool, any) {
		return state.(register).step(input.(*Op))
	},
	DescribeOperation: func(input, _ any) string { return fmt.Sprintf("%+v", *input.(*Op)) },
}

func (r register) step(o *Op) (ok bool, next register) {
	if o.Kind == opRead {
		return o.Version == uint32(len(r.choices)), r
	}
	outcome, code := r.expect(o)
	if o.Outcome == unknown || o.Outcome == pending {
		if !r.closed && (outcome == counted || outcome == replaced) {
			r.choices += string([]byte{o.Choice})
		}
		return true, r
	}
	switch {
	case outcome == replayed:
		return o.Outcome == replayed && o.Version == uint32(len(r.choices)), r
	case code == refusal.Superseded && o.Outcome == refused:
		// In a poll that has never seen these selections the code is another one.
		return o.Code == code.String() || o.Code == refusal.AlreadyVoted.String() ||
			o.Code == refusal.VersionMismatch.String() || o.Code == refusal.PollClosed.String(), r
	case o.Outcome == refused && o.Code == refusal.PollClosed.String():
		r.closed = true
		return true, r
	case r.closed:
		return false, r
	case outcome == refused:
		return o.Outcome == refused && (o.Code == code.String() || o.Code == refusal.AlreadyVoted.String()), r
	}
	r.choices += string([]byte{o.Choice})
	// A member that submits a ballot again, because the outcome of its first attempt is
	// unknown to it, may answer with the replay of its own attempt.
	return (o.Outcome == outcome || o.Outcome == replayed) && o.Version == uint32(len(r.choices)), r
}

// expect returns what the rules demand for a ballot in an open poll with revotes. One
// without revotes answers already_voted instead, which step accepts.
func (r register) expect(o *Op) (outcome string, code refusal.Code) {
	n := uint32(len(r.choices))
	switch {
	case n > 0 && r.choices[n-1] == o.Choice:
		return replayed, 0
	case n > o.IfVersion+1:
		return refused, refusal.Superseded
	case n == 0 && o.IfVersion == 0:
		return counted, 0
	case n == 0:
		return refused, refusal.VersionMismatch
	case o.IfVersion == 0:
		return refused, refusal.AlreadyVoted
	case o.IfVersion != n:
		return refused, refusal.VersionMismatch
	case o.Outcome == refused && o.Code == refusal.AlreadyVoted.String():
		return refused, refusal.AlreadyVoted // the poll allows no revotes
	}
	return replaced, 0
}

// CheckLinearizable checks every register's history with porcupine (oracle O5).
func (c *Cluster) CheckLinearizable() {
	registers := map[string][]porcupine.Operation{}
	end := c.ticks.Add(1)
	for _, o := range c.history.all() {
		if o.Kind != opCast && o.Kind != opRead || o.Outcome == unavailable || o.Code == refusal.PollNotFound.String() {
			continue
		}
		if o.Kind == opRead && o.Outcome != seen {
			continue
		}
		op := porcupine.Operation{ClientId: max(0, o.Client), Input: o, Call: o.Call, Return: o.Return}
		if o.Outcome == unknown || o.Outcome == pending {
			op.Return = end // it may still take effect later
		}
		registers[o.Poll+"/"+o.Voter] = append(registers[o.Poll+"/"+o.Voter], op)
	}
	for name, ops := range registers {
		if !porcupine.CheckOperations(registerModel, ops) {
			c.fail("O5: the history of %s is not linearizable: %s", name, describe(ops))
		}
	}
}

// describe returns a history as text, in the order of the calls.
func describe(ops []porcupine.Operation) string {
	slices.SortFunc(ops, func(a, b porcupine.Operation) int { return int(a.Call - b.Call) })
	text := ""
	for _, op := range ops {
		o := op.Input.(*Op)
		text += fmt.Sprintf("\n    %d–%d %s at %s by %d: choice %d if %d → %s %s version %d", o.Call, o.Return, o.Kind, o.Node, o.Client, o.Choice, o.IfVersion, o.Outcome, o.Code, o.Version)
	}
	return text
}
