package poll

import (
	"fmt"
	"slices"
	"sync"

	"voted/internal/refusal"
)

// modelTask is a scheduled command.
type modelTask struct {
	Schedule
	number  uint64
	state   TaskState
	ended   int64
	verdict verdict
}

func (m *model) task(id string) *modelTask {
	for _, k := range m.tasks {
		if k.ID == id {
			return k
		}
	}
	return nil
}

// forget drops what was over more than thirty days ago.
func (m *model) forget() {
	m.tasks = slices.DeleteFunc(m.tasks, func(k *modelTask) bool { return k.state != TaskPending && k.ended+30*24*hour <= m.clock })
}

func (m *model) schedule(c Schedule) verdict {
	v := verdict{index: m.index}
	if k := m.task(c.ID); k != nil {
		if v.replayed = k.Fingerprint == c.Fingerprint; !v.replayed {
			v.code = refusal.ScheduleExists
		}
		return v
	}
	v.code = refusal.InvalidSchedule
	switch do := c.Do.(type) {
	case Create:
		if do.Key != "" || !plausible(do.Definition) || do.Definition.ClosesAt != 0 && do.Definition.ClosesAt <= c.At {
			return v
		}
	case Tick:
		return v
	}
	if c.At <= m.clock {
		return v
	}
	m.asked++
	m.tasks = append(m.tasks, &modelTask{Schedule: c, number: m.asked})
	m.changed = true
	return verdict{index: m.index, created: true}
}

func (m *model) unschedule(c Unschedule) verdict {
	v := verdict{index: m.index}
	switch k := m.task(c.ID); {
	case k == nil:
		v.code = refusal.ScheduleNotFound
	case k.state == TaskPending:
		m.endTask(k, TaskCancelled, TaskCalledOff, verdict{})
	case k.state != TaskCancelled:
		v.code = refusal.ScheduleExists
	}
	return v
}

// carryOut does what was scheduled, as if it were asked for now.
func (m *model) carryOut(k *modelTask) {
	do := k.Do
	if d, ok := do.(DrawLot); ok && len(d.Order) == 0 {
		if p := m.live(d.Poll); p != nil {
			d.Order = LotOfSeed(p.def.Options, d.Seed)
			do = d
		}
	}
	v, state := m.do(do), TaskDone
	if v.code != refusal.None {
		state = TaskRefused
	}
	m.endTask(k, state, TaskRun, v)
}

func (m *model) endTask(k *modelTask, state TaskState, kind EventKind, v verdict) {
	k.state, k.ended, k.verdict = state, m.clock, v
	m.changed = true
	id := k.target()
	if m.any(id) == nil {
		id = ""
	}
	m.tellOf(kind, id, k.number, uint64(v.code))
}

// target is the poll that the command is about.
func (k *modelTask) target() string {
	switch do := k.Do.(type) {
	case Create:
		return do.Definition.ID
	case Patch:
		return do.Poll
	case Close:
		return do.Poll
	case Delete:
		return do.Poll
	case DrawLot:
		return do.Poll
	}
	return ""
}

// checkTasks compares what is scheduled, and what came of it.
func (w *twin) checkTasks() error {
	for name, s := range map[string]*State{"the state": w.state, "the second state": w.second} {
		all := s.Tasks()
		if len(all) != len(w.model.tasks) {
			return fmt.Errorf("%s has %d scheduled commands, the model %d", name, len(all), len(w.model.tasks))
		}
		for i, k := range all {
			want := w.model.tasks[i]
			if k.ID != want.ID || k.At != want.At || k.Number != want.number || k.State != want.state || k.EndedAt != want.ended ||
				k.State != TaskPending && k.State != TaskCancelled && verdictOf(k.Result) != want.verdict {
				return fmt.Errorf("%s has %+v, the model %+v", name, *k, *want)
			}
			if k.Result.Index == s.Index() || k.State == TaskCancelled && k.EndedAt == s.Clock() {
				w.seen["task "+k.State.String()]++
			}
		}
	}
	return nil
}

// schedule draws a command to be scheduled, often one that was sent before.
func (h *history) schedule() Command {
	id := fmt.Sprint("t", h.roll(12))
	switch h.roll(6) {
	case 0:
		return Unschedule{ID: id}
	case 1:
		if len(h.scheduled) > 0 {
			return h.scheduled[h.roll(len(h.scheduled))]
		}
	}
	c := Schedule{ID: id, At: h.now + int64(h.roll(int(10*minute))) - minute, Fingerprint: Digest{byte(h.roll(200))}}
	switch h.roll(8) {
	case 0, 1:
		do := h.create()
		if h.roll(8) != 0 {
			do.Key = ""
		}
		c.Do = do
	case 2, 3:
		c.Do = h.patch()
	case 4:
		c.Do = Close{Poll: h.pollID()}
	case 5:
		c.Do = Delete{Poll: h.pollID()}
	case 6:
		c.Do = DrawLot{Poll: h.pollID(), Seed: "42"}
	case 7:
		c.Do = Tick{}
		if h.roll(4) != 0 {
			c.Do = h.draw()
		}
	}
	h.scheduled = append(h.scheduled, c)
	return c
}

// inMemory stands for the encoding that package fsm has: what was encoded is kept, under
// the bytes of its text.
var inMemory = TaskCodec{
	AppendCommand: func(c Command) []byte { return remembered.put(c) },
	Command: func(b []byte) (Command, error) {
		c, _ := remembered.get(b).(Command)
		return c, nil
	},
	AppendResult: func(r Result) []byte { return remembered.put(r) },
	Result: func(b []byte) (Result, error) {
		r, _ := remembered.get(b).(Result)
		return r, nil
	},
}

// memory keeps values by their text.
type memory struct{ all sync.Map }

var remembered memory

func (m *memory) put(v any) []byte {
	text := fmt.Sprintf("%T %#v", v, v)
	m.all.Store(text, v)
	return []byte(text)
}

func (m *memory) get(text []byte) any {
	v, _ := m.all.Load(string(text))
	return v
}
