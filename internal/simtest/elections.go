package simtest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"voted/internal/poll"
)

// create makes a poll: some close by themselves, some allow revotes, some keep the
// voters' ids.
func (o *office) create(draw *dice, lasting bool) {
	o.mu.Lock()
	if len(o.polls) >= maxOpenPolls {
		o.mu.Unlock()
		return
	}
	o.made++
	e := &election{id: fmt.Sprintf("p%d", o.made), revote: draw.chance(0.6), open: draw.chance(0.3), lasting: lasting}
	o.mu.Unlock()
	if !lasting && draw.chance(0.5) {
		e.closesAt = time.Now().Add(draw.between(2*time.Second, o.w.For)).UnixMilli()
	}
	d := poll.Definition{ID: e.id, MinSelections: 1, ClosesAt: e.closesAt}
	if e.revote {
		d.Revote = poll.RevoteUntilClose
	}
	if e.open {
		d.Secrecy = poll.Open
	}
	for i := range options {
		d.Options = append(d.Options, poll.Option{ID: optionID(byte(i))})
	}
	if o.execute(poll.Create{Definition: d.WithDefaults()}) {
		o.mu.Lock()
		o.polls = append(o.polls, e)
		o.mu.Unlock()
	}
}

// optionID is the id of the option with the number of a choice.
func optionID(choice byte) string { return fmt.Sprint("o", choice) }

// execute carries a command out, through any member that answers.
func (o *office) execute(command poll.Command) bool {
	for deadline := o.c.now() + time.Minute; o.c.now() < deadline; time.Sleep(20 * time.Millisecond) {
		living := o.c.living()
		if len(living) == 0 {
			continue
		}
		p := living[o.c.draw.n(len(living))]
		ctx, cancel := context.WithTimeout(p.ctx, o.c.settings.deadline)
		r, err := p.node.Execute(ctx, command)
		cancel()
		if err == nil && p.ctx.Err() == nil {
			return r.Err == nil
		}
	}
	return false
}

// close closes a poll by command, and stops casting in it after a while.
func (me *client) close(e *election) {
	if e.lasting {
		return
	}
	me.mu.Lock()
	again := e.told
	e.told = true
	me.mu.Unlock()
	if again {
		me.mu.Lock()
		me.polls = slices.DeleteFunc(me.polls, func(other *election) bool { return other == e })
		me.mu.Unlock()
		return
	}
	o := me.c.call(&Op{Kind: opClose, Client: me.number, Poll: e.id})
	if me.execute(poll.Close{Poll: e.id}) {
		me.c.done(o, seen)
	} else {
		me.c.done(o, unknown)
	}
}
