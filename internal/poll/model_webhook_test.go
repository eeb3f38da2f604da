package poll

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"voted/internal/refusal"
)

// modelHook is an endpoint, with its lists as maps by the number of the event.
type modelHook struct {
	Endpoint
	dead  map[uint64]DeadLetter
	again map[uint64]uint64 // index of the request
}

// modelAsk is a request that was carried out.
type modelAsk struct {
	print [16]byte
	about uint64 // number of the endpoint, 0: of none
	at    int64
}

func (m *model) hook(id string) *modelHook {
	for _, e := range m.hooks {
		if e.ID == id {
			return e
		}
	}
	return nil
}

func (m *model) hookNumber(n uint64) *modelHook {
	for _, e := range m.hooks {
		if e.Number == n {
			return e
		}
	}
	return nil
}

// about returns the endpoint that a command names, and how the request is named.
func about(c Command) (id string, a Ask, ifRevision uint32) {
	switch c := c.(type) {
	case PutEndpoint:
		return c.ID, c.Ask, c.IfRevision
	case PatchEndpoint:
		return c.ID, c.Ask, c.IfRevision
	case DropEndpoint:
		return c.ID, c.Ask, c.IfRevision
	case RotateKey:
		return c.ID, c.Ask, 0
	case Redeliver:
		return c.ID, c.Ask, 0
	}
	return "", Ask{}, 0
}

// doHook carries out a command about webhooks or alarms.
func (m *model) doHook(c Command) verdict {
	v := verdict{index: m.index}
	switch c := c.(type) {
	case Progress:
		for _, move := range c.Moves {
			m.move(move)
		}
		return v
	case Alarm:
		v.code = m.ring(c)
		return v
	}
	id, ask, ifRevision := about(c)
	if a, ok := m.carried[ask.Request]; ok && ask.Request != [16]byte{} {
		switch {
		case a.print != ask.Fingerprint:
			v.code = refusal.IdempotencyKeyReused
		case a.about != 0 && m.hookNumber(a.about) == nil:
			v.code = refusal.WebhookNotFound
		default:
			v.replayed = true
		}
		return v
	}
	e := m.hook(id)
	put, putting := c.(PutEndpoint)
	_, dropping := c.(DropEndpoint)
	switch {
	case e == nil && putting && ifRevision == 0:
		v.code, e = m.newHook(put)
		v.created = e != nil
	case e == nil && !dropping:
		v.code = refusal.WebhookNotFound
	case e == nil:
	case ifRevision == 0 && putting && !reflect.DeepEqual(plain(put.Webhook), plain(e.Webhook)):
		v.code = refusal.WebhookExists
	case ifRevision != 0 && ifRevision != e.Revision:
		v.code, v.version = refusal.VersionMismatch, e.Revision
	default:
		v.code = m.changeHook(e, c)
	}
	if v.code == refusal.None && ask.Request != [16]byte{} {
		a := modelAsk{print: ask.Fingerprint, at: m.clock}
		if e != nil && !dropping {
			a.about = e.Number
		}
		m.carried[ask.Request], m.changed = a, true
	}
	return v
}

// plain is a definition with its polls in order, each once.
func plain(w Webhook) Webhook {
	set := map[string]bool{}
	for _, p := range w.Polls {
		set[p] = true
	}
	w.Polls = slices.Sorted(maps.Keys(set))
	return w
}

func (m *model) draw1() uint32 {
	m.drawn++
	return m.drawn
}

func (m *model) newHook(c PutEndpoint) (refusal.Code, *modelHook) {
	newest := uint64(len(m.events)) // all of them are kept here
	if strings.HasPrefix(c.Webhook.URL, "ftp:") || c.From != FromOldest && c.From > newest+1 {
		return refusal.InvalidWebhook, nil
	}
	cursor := newest
	if c.From == FromOldest {
		cursor = 0
	} else if c.From != FromNow {
		cursor = c.From - 1
	}
	n := m.draw1()
	e := &modelHook{dead: map[uint64]DeadLetter{}, again: map[uint64]uint64{}}
	e.Endpoint = Endpoint{ID: c.ID, Number: uint64(n), Webhook: plain(c.Webhook), Revision: n, Key: n, CreatedAt: m.clock, Cursor: cursor}
	m.hooks = append(m.hooks, e)
	m.changed = true
	return refusal.None, e
}

// changeHook does what an administrator asks of an endpoint.
func (m *model) changeHook(e *modelHook, c Command) refusal.Code {
	was := e.Endpoint
	switch c := c.(type) {
	case DropEndpoint:
		m.hooks = slices.DeleteFunc(m.hooks, func(o *modelHook) bool { return o == e })
		m.changed = true
		return refusal.None
	case RotateKey:
		e.PreviousKey, e.Key, e.PreviousUntil = e.Key, m.draw1(), m.clock+c.Overlap
		m.changed = true
		return refusal.None
	case Redeliver:
		return m.again(e, c)
	case PutEndpoint:
		e.Webhook = plain(c.Webhook)
	case PatchEndpoint:
		if c.URL != nil {
			e.URL = *c.URL
		}
		if c.Kinds != nil {
			e.Kinds = *c.Kinds
		}
		if c.Polls != nil {
			e.Polls = *c.Polls
		}
		if c.Rate != nil {
			e.Rate = *c.Rate
		}
		e.Webhook = plain(e.Webhook)
		if c.Paused != nil && *c.Paused && e.State != EndpointPaused {
			e.State, e.Reason = EndpointPaused, ReasonAsked
		} else if c.Paused != nil && !*c.Paused && (e.State == EndpointPaused || e.State == EndpointStopped) {
			e.State, e.Reason = EndpointVerifying, ReasonNone
			if e.Verified {
				e.State = EndpointEnabled
			}
		}
	}
	if strings.HasPrefix(e.URL, "ftp:") {
		e.Endpoint = was
		return refusal.InvalidWebhook
	}
	if e.URL != was.URL {
		if e.Verified = false; e.State != EndpointPaused {
			e.State, e.Reason = EndpointVerifying, ReasonNone
		}
	}
	if !reflect.DeepEqual(plain(was.Webhook), e.Webhook) || e.State != was.State || e.Reason != was.Reason {
		e.Revision, e.FailingSince = m.draw1(), 0
		m.changed = true
	}
	return refusal.None
}

// wants reports whether an endpoint gets an event.
func (e *modelHook) wants(v Event) bool {
	if v.Kind == EndpointDisabled && v.A == e.Number || e.Kinds>>v.Kind&1 == 0 {
		return false
	}
	for _, p := range e.Polls {
		if v.Poll == "" || p == v.Poll || strings.HasSuffix(p, "*") && strings.HasPrefix(v.Poll, p[:len(p)-1]) {
			return true
		}
	}
	return len(e.Polls) == 0
}

func (m *model) again(e *modelHook, c Redeliver) refusal.Code {
	numbers := c.Events
	if c.All {
		numbers = nil
		for _, v := range m.events[:e.Cursor] {
			if v.Number > c.After && e.wants(v) {
				numbers = append(numbers, v.Number)
			}
		}
	}
	if len(numbers) > 64 {
		return refusal.InvalidWebhook
	}
	next := maps.Clone(e.again)
	for _, n := range numbers {
		if n < 1 || n > e.Cursor || !e.wants(m.events[n-1]) {
			return refusal.InvalidWebhook
		}
		if _, there := next[n]; !there {
			next[n] = m.index
		}
	}
	if len(next) > 64 {
		return refusal.TooManyRequests
	}
	if len(next) > len(e.again) {
		e.again, m.changed = next, true
	}
	return refusal.None
}

// move takes what a deliverer reports.
func (m *model) move(v Move) {
	e := m.hookNumber(v.Endpoint)
	if e == nil || v.Cursor > uint64(len(m.events)) {
		return
	}
	was, dead, again := e.Endpoint, maps.Clone(e.dead), maps.Clone(e.again)
	today := v.Revision == e.Revision
	if !today {
		v.FailingSince = 0
	}
	if v.Last = min(v.Last, v.Cursor); today || len(v.Dead) == 0 {
		if v.Cursor > e.Cursor {
			e.Cursor, e.Last, e.DeadEver, e.FailingSince = v.Cursor, v.Last, v.DeadEver, v.FailingSince
		} else if v.Cursor == e.Cursor {
			e.Last, e.DeadEver = max(e.Last, v.Last), max(e.DeadEver, v.DeadEver)
			if v.FailingSince != 0 && (e.FailingSince == 0 || v.FailingSince < e.FailingSince) {
				e.FailingSince = v.FailingSince
			}
		}
	}
	stopped := false
	if today {
		for _, d := range v.Dead {
			if old, there := e.dead[d.Number]; d.Number <= v.Cursor && (!there || d.At < old.At) {
				d.Redelivered = old.Redelivered
				e.dead[d.Number] = d
			}
		}
		switch running := e.State == EndpointVerifying || e.State == EndpointEnabled; {
		case v.Disable != ReasonNone && running:
			e.State, e.Reason, e.Verified, stopped = EndpointStopped, v.Disable, false, true
		case v.Disable != ReasonNone:
			if e.State == EndpointStopped {
				e.Reason = min(e.Reason, v.Disable)
			}
		case v.Verified && e.State == EndpointVerifying:
			e.State, e.Verified = EndpointEnabled, true
		}
	}
	for _, d := range v.Done {
		if e.again[d.Number] == d.Asked {
			delete(e.again, d.Number)
		}
		if letter, there := e.dead[d.Number]; there && d.Delivered {
			letter.Redelivered = true
			e.dead[d.Number] = letter
		}
	}
	if !reflect.DeepEqual(was, e.Endpoint) || !maps.Equal(dead, e.dead) || !maps.Equal(again, e.again) {
		m.changed = true
	}
	if stopped {
		m.tellOf(EndpointDisabled, "", e.Number, uint64(e.Reason))
	}
}

// ring takes an alarm.
func (m *model) ring(c Alarm) refusal.Code {
	if c.Kind == "" {
		return refusal.MalformedRequest
	}
	on, last := false, int64(-1<<62)
	for _, n := range m.alarms {
		if n.Kind == c.Kind && n.Member == c.Member {
			on, last = n.On, n.At
		}
	}
	if on == c.On || m.clock-last < minute {
		return refusal.None
	}
	m.alarms = append(m.alarms, AlarmNote{Alarm: c, Number: uint64(len(m.alarms) + 1), At: m.clock})
	kind := AlarmOver
	if c.On {
		kind = AlarmRaised
	}
	m.changed = true
	m.tellOf(kind, "", uint64(len(m.alarms)), 0)
	return refusal.None
}

// whole is the endpoint as readers see it.
func (e *modelHook) whole() Endpoint {
	w := e.Endpoint
	for _, n := range slices.Sorted(maps.Keys(e.dead)) {
		w.Dead = append(w.Dead, e.dead[n])
	}
	for _, n := range slices.Sorted(maps.Keys(e.again)) {
		w.Again = append(w.Again, Redelivery{n, e.again[n]})
	}
	return w
}

// checkHooks compares all endpoints and alarms with the model's.
func (w *twin) checkHooks() error {
	for name, s := range map[string]*State{"the state": w.state, "the second state": w.second} {
		all := s.Endpoints()
		if len(all) != len(w.model.hooks) {
			return fmt.Errorf("%s has %d webhooks, the model %d", name, len(all), len(w.model.hooks))
		}
		for i, e := range all {
			if want := w.model.hooks[i].whole(); fmt.Sprintf("%+v", *e) != fmt.Sprintf("%+v", want) {
				return fmt.Errorf("%s has\n%+v, the model\n%+v", name, *e, want)
			}
			w.seeHook(e)
		}
		for _, n := range w.model.alarms {
			if on, at := s.AlarmOn(n.Kind, n.Member); at < n.At || at == n.At && on != n.On {
				return fmt.Errorf("%s has %t at %d, the model %+v", name, on, at, n)
			}
			if got, ok := s.AlarmNumber(n.Number); !ok || *got != n {
				return fmt.Errorf("%s has %+v, the model %+v", name, got, n)
			}
		}
	}
	return nil
}

func (w *twin) seeHook(e *Endpoint) {
	w.seen["hook "+e.State.String()]++
	if len(e.Again) > 0 {
		w.seen["redelivery asked for"]++
	}
	for _, d := range e.Dead {
		w.seen["dead letter"]++
		if d.Redelivered {
			w.seen["redelivered"]++
		}
	}
}

// hook draws a command about webhooks or alarms, now and then one that was sent before.
func (h *history) hook() Command {
	if len(h.wired) > 0 && h.roll(4) == 0 {
		return h.wired[h.roll(len(h.wired))]
	}
	c := h.newHook()
	h.wired = append(h.wired, c)
	return c
}

func (h *history) newHook() Command {
	id := fmt.Sprint("w", h.roll(3))
	ask := Ask{Request: [16]byte{byte(h.roll(60))}, Fingerprint: [16]byte{byte(h.roll(4) / 3)}}
	revision := uint32(0)
	if e := h.m.hook(id); e != nil && h.roll(2) == 0 {
		revision = e.Revision - uint32(h.roll(3)/2)
	} else if h.roll(10) == 0 {
		revision = 1
	}
	switch h.roll(16) {
	case 0, 1, 2:
		return PutEndpoint{ID: id, Ask: ask, Webhook: h.webhook(), From: []uint64{FromNow, FromOldest, uint64(1 + h.roll(20))}[h.roll(3)], IfRevision: revision}
	case 3, 4:
		return h.hookPatch(PatchEndpoint{ID: id, Ask: ask, IfRevision: revision})
	case 5:
		if h.roll(2) == 0 {
			if e := h.m.hook(id); e != nil && h.roll(2) == 0 {
				revision = e.Revision + 1
			}
			return DropEndpoint{ID: id, Ask: ask, IfRevision: revision}
		}
		return RotateKey{ID: id, Ask: ask, Overlap: int64(h.roll(100)) * second}
	case 6, 10, 11:
		r := Redeliver{ID: id, Ask: ask, All: h.roll(2) == 0, After: uint64(h.roll(20))}
		if e := h.m.hook(id); e != nil && h.roll(4) != 0 {
			for _, n := range slices.Sorted(maps.Keys(e.dead)) {
				if n <= e.Cursor && e.wants(h.m.events[n-1]) && !e.dead[n].Redelivered {
					r.All, r.Events = false, append(r.Events, n)
				}
			}
		}
		for range h.roll(3) * h.roll(2) {
			r.Events = append(r.Events, uint64(h.roll(20)))
		}
		return r
	case 7, 8, 9:
		return Alarm{Kind: []string{"disk_low", "disk_low", "clock_off", ""}[h.roll(4)], Member: []string{"n1", ""}[h.roll(4)/3], On: h.roll(3) == 0, Says: "So it is."}
	}
	var p Progress
	for _, e := range h.m.hooks {
		if h.roll(3) != 0 {
			p.Moves = append(p.Moves, h.move(e))
		}
	}
	return p
}

func (h *history) webhook() Webhook {
	w := Webhook{
		URL: []string{"https://a", "https://a", "https://b", "ftp://c"}[h.roll(16)%5%4], Rate: DefaultRate,
		Kinds: []KindSet{webhookKinds, webhookKinds, KindsOf(PollClosed, PollCreated, EndpointDisabled)}[h.roll(3)],
	}
	for range h.roll(3) {
		w.Polls = append(w.Polls, []string{"a", "b*", "*", "c"}[h.roll(4)])
	}
	return w
}

func (h *history) hookPatch(p PatchEndpoint) PatchEndpoint {
	w := h.webhook()
	switch h.roll(6) {
	case 0, 1:
		p.URL = &w.URL
	case 2:
		p.Polls, p.Kinds = &w.Polls, &w.Kinds
	case 3:
		p.Rate = new(uint16(1 + h.roll(2)))
	default:
		p.Paused = new(h.roll(2) == 0)
	}
	return p
}

// move draws a report about an endpoint.
func (h *history) move(e *modelHook) Move {
	newest := len(h.m.events)
	cursor := int(e.Cursor)
	if h.roll(4) != 0 {
		cursor += h.roll(min(8, newest-cursor+1))
	} else {
		cursor = h.roll(newest + 2)
	}
	v := Move{
		Endpoint: e.Number, Revision: e.Revision - uint32(h.roll(8)/7), Cursor: uint64(cursor), Last: uint64(h.roll(cursor + 1)),
		DeadEver: e.DeadEver, Verified: h.roll(3) == 0,
	}
	if h.roll(4) == 0 {
		v.FailingSince = h.now - int64(h.roll(5))*second
	}
	if h.roll(6) == 0 {
		v.Disable = []EndpointReason{ReasonGone, ReasonFailing}[h.roll(2)]
	}
	if n := cursor - h.roll(3); n > 0 && h.roll(2) == 0 {
		v.Dead = append(v.Dead, DeadLetter{Number: uint64(n), At: h.now + int64(h.roll(3)), Status: 422})
		v.DeadEver++
	}
	for n, asked := range e.again {
		if n%4 != 3 { // the order of the map does not matter
			v.Done = append(v.Done, Redone{Redelivery{n, asked}, n%4 != 0})
		}
	}
	slices.SortFunc(v.Done, func(a, b Redone) int { return int(a.Number) - int(b.Number) })
	return v
}
