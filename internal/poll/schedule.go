package poll

import (
	"container/heap"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"

	"voted/internal/refusal"
)

// ScheduleLevel is the format level from which commands can be scheduled.
const ScheduleLevel = 5

// The limits of scheduled commands.
const (
	// MaxScheduled bounds how many are remembered: those to come, and those that are over.
	MaxScheduled = 4096
	// MaxScheduledBytes bounds the memory of their commands; a definition may have megabytes.
	MaxScheduledBytes = 8 << 20
	// taskMemory is how long one that is over is remembered, in milliseconds.
	taskMemory int64 = 30 * 24 * 3600 * 1000
)

// Schedule is the command that has another one carried out at a time: by the first entry of
// the log at or after it, on all members at the same index. A retry is recognised by its id
// and fingerprint, also after the time.
type Schedule struct {
	ID string
	At int64 // milliseconds since the Unix epoch
	// Fingerprint is of the time and of what was asked for. Do has more than that: the salt
	// that was drawn for a poll.
	Fingerprint Digest
	// Do is a Create without a key, a Patch, a Close, a Delete or a DrawLot. A lot may have
	// its seed alone: the poll may not be there yet, by whose options it is ordered.
	Do Command
}

// Unschedule is the command that calls off a scheduled one. Its id stays taken: a late
// duplicate of the Schedule must not bring it back.
type Unschedule struct{ ID string }

func (c Schedule) apply(s *State) Result   { return s.putTask(c) }
func (c Unschedule) apply(s *State) Result { return s.dropTask(c) }

// TaskState is what became of a scheduled command. The numbers are in snapshots.
type TaskState uint8

// The states.
const (
	TaskPending TaskState = iota
	TaskDone
	TaskRefused // it was carried out and refused, as the same request would have been then
	TaskCancelled
)

// String returns the state as clients see it.
func (t TaskState) String() string { return [...]string{"pending", "done", "refused", "cancelled"}[t] }

// Task is one scheduled command. It is immutable.
type Task struct {
	Schedule
	Number    uint64 // in the order of scheduling, from 1
	State     TaskState
	CreatedAt int64
	EndedAt   int64  // 0 while it is pending
	Result    Result // of the command, once it was carried out
}

// schedule holds the scheduled commands in the order in which they came. The slice is
// never changed in place: views hold it.
type schedule struct {
	all    []*Task
	last   uint64 // number of the newest one
	forget int64  // when the first one is forgotten; 0: none is over
}

func (t *schedule) find(id string) int {
	return slices.IndexFunc(t.all, func(k *Task) bool { return k.ID == id })
}

// set replaces the task at a place.
func (t *schedule) set(i int, k Task) {
	t.all = slices.Clone(t.all)
	t.all[i] = &k
	t.noteOver(&k)
}

// noteOver keeps the time at which the first task is forgotten.
func (t *schedule) noteOver(k *Task) {
	if at := k.EndedAt + taskMemory; k.State != TaskPending && (t.forget == 0 || at < t.forget) {
		t.forget = at
	}
}

// expire forgets what was over long ago.
func (t *schedule) expire(clock int64) {
	if t.forget == 0 || t.forget > clock {
		return
	}
	kept := schedule{last: t.last}
	for _, k := range t.all {
		if k.State == TaskPending || k.EndedAt+taskMemory > clock {
			kept.all = append(kept.all, k)
			kept.noteOver(k)
		}
	}
	*t = kept
}

// commandBytes returns about how much memory a command takes.
func commandBytes(c Command) int {
	if c, ok := c.(Create); ok {
		return len(c.Definition.AppendCanonical(nil))
	}
	return MaxTitleBytes
}

// putTask schedules a command, or finds that it was scheduled before.
func (s *State) putTask(c Schedule) Result {
	if i := s.tasks.find(c.ID); i >= 0 {
		if k := s.tasks.all[i]; k.Fingerprint != c.Fingerprint {
			return s.fail("", refusal.Of(refusal.ScheduleExists))
		}
		return Result{Index: s.index, Replayed: true}
	}
	if err := s.unfitTask(c); err != nil {
		return s.fail("", err)
	}
	k := Task{Schedule: c, Number: s.tasks.last + 1, CreatedAt: s.clock}
	s.tasks.last = k.Number
	s.tasks.all = append(slices.Clone(s.tasks.all), &k)
	heap.Push(&s.deadlines, deadline{at: c.At, task: k.Number})
	s.fold(foldScheduled, c.ID, append(binary.BigEndian.AppendUint64(nil, uint64(c.At)), c.Fingerprint[:]...))
	return Result{Index: s.index, Created: true}
}

// unfitTask is why a command cannot be scheduled, nil if it can.
func (s *State) unfitTask(c Schedule) *refusal.Error {
	unfit := func(field, rule string) *refusal.Error {
		return &refusal.Error{Code: refusal.InvalidSchedule, Fields: []refusal.FieldError{{Field: field, Detail: rule}}}
	}
	switch do := c.Do.(type) {
	case Create:
		if errs := do.Definition.Validate(); errs != nil || do.Key != "" {
			return &refusal.Error{Code: refusal.InvalidSchedule, Fields: within("do.create", errs)}
		}
		if at := do.Definition.ClosesAt; at != 0 && at <= c.At {
			return unfit("do.create.closes_at", "The poll would close before it is created.")
		}
	case Patch, Close, Delete, DrawLot:
	default:
		return unfit("do", "Only creating, patching, closing and deleting a poll and drawing its lot can be scheduled.")
	}
	switch {
	case !ValidID(c.ID):
		return unfit("id", idRule)
	case c.At > maxTime:
		return unfit("at", timeRule)
	case c.At <= s.clock:
		return unfit("at", "It lies in the past; give a later time, or send the request itself.")
	}
	used := commandBytes(c.Do)
	for _, k := range s.tasks.all {
		used += commandBytes(k.Do)
	}
	if used > MaxScheduledBytes || len(s.tasks.all) >= MaxScheduled {
		return refusal.For(refusal.ScheduleFull)
	}
	return nil
}

// within moves faults of a definition to its place in a larger body.
func within(place string, errs []refusal.FieldError) []refusal.FieldError {
	moved := make([]refusal.FieldError, len(errs))
	for i, e := range errs {
		moved[i] = refusal.FieldError{Field: place + "." + e.Field, Detail: e.Detail}
	}
	return moved
}

// dropTask calls off a scheduled command; one that is called off stays so.
func (s *State) dropTask(c Unschedule) Result {
	i := s.tasks.find(c.ID)
	if i < 0 {
		return s.fail("", refusal.Of(refusal.ScheduleNotFound))
	}
	k := *s.tasks.all[i]
	switch k.State {
	case TaskCancelled:
	case TaskPending:
		s.endTask(i, TaskCancelled, Result{})
	case TaskDone, TaskRefused:
		e := refusal.For(refusal.ScheduleOver)
		e.Subject = c.ID
		return s.fail("", e)
	}
	return Result{Index: s.index}
}

// runTask carries out the task with a number, unless it was called off.
func (s *State) runTask(number uint64) {
	i := slices.IndexFunc(s.tasks.all, func(k *Task) bool { return k.Number == number })
	if i < 0 || s.tasks.all[i].State != TaskPending {
		return
	}
	r := s.Do(s.lotOrdered(s.tasks.all[i].Do))
	state := TaskDone
	if r.Err != nil {
		state = TaskRefused
	}
	s.endTask(i, state, r)
}

// lotOrdered gives a lot that has its seed alone the order that the seed makes.
func (s *State) lotOrdered(c Command) Command {
	d, lot := c.(DrawLot)
	if p := s.Find(d.Poll); lot && len(d.Order) == 0 && p != nil {
		d.Order = LotOfSeed(p.rules.Options, d.Seed)
		return d
	}
	return c
}

// endTask notes what became of a task, with its event.
func (s *State) endTask(i int, state TaskState, r Result) {
	k := *s.tasks.all[i]
	k.State, k.EndedAt, k.Result = state, s.clock, r
	s.tasks.set(i, k)
	code := refusal.None
	if r.Err != nil {
		code = r.Err.Code
	}
	s.fold(foldTaskEnded, k.ID, []byte{byte(state), byte(code)})
	kind := TaskRun
	if state == TaskCancelled {
		kind = TaskCalledOff
	}
	s.happened(kind, s.polls[pollOf(k.Do)], k.Number, uint64(code))
}

// pollOf returns the poll that a schedulable command is about.
func pollOf(c Command) string {
	switch c := c.(type) {
	case Create:
		return c.Definition.ID
	case Patch:
		return c.Poll
	case Close:
		return c.Poll
	case Delete:
		return c.Poll
	case DrawLot:
		return c.Poll
	}
	return ""
}

// Poll returns the id of the poll that the task is about.
func (k *Task) Poll() string { return pollOf(k.Do) }

// Action returns the name of what the task does.
func (k *Task) Action() string { return Action(k.Do) }

// Action returns the name of a command that can be scheduled, "" of any other.
func Action(c Command) string {
	switch c.(type) {
	case Create:
		return "create"
	case Patch:
		return "patch"
	case Close:
		return "close"
	case Delete:
		return "delete"
	case DrawLot:
		return "lot"
	}
	return ""
}

// Task returns a scheduled command.
func (s *State) Task(id string) (Task, *refusal.Error) {
	if i := s.tasks.find(id); i >= 0 {
		return *s.tasks.all[i], nil
	}
	return Task{}, refusal.Of(refusal.ScheduleNotFound)
}

// TaskNumber returns the scheduled command with a number; ok is false if it is no longer
// remembered.
func (s *State) TaskNumber(number uint64) (k Task, ok bool) {
	for _, t := range s.tasks.all {
		if t.Number == number {
			return *t, true
		}
	}
	return k, false
}

// Tasks returns the scheduled commands that are remembered, in the order of scheduling.
// The caller must not change them.
func (s *State) Tasks() []*Task { return s.tasks.all }

// TaskCodec encodes what tasks hold of other packages' formats.
type TaskCodec struct {
	AppendCommand func(c Command) []byte
	Command       func(b []byte) (Command, error)
	AppendResult  func(r Result) []byte
	Result        func(b []byte) (Result, error)
}

var errTasks = errors.New("scheduled commands: an entry is not valid")

// HasTasks reports whether there is anything that AppendTasks would write.
func (v *View) HasTasks() bool { return v.tasks.last > 0 }

// AppendTasks appends the encoding of the view's scheduled commands: the number of the
// newest one and how many follow; each with its number, state, id, times, fingerprint,
// command and, once it was carried out, result. Command and result come after their
// lengths.
func (v *View) AppendTasks(b []byte, codec TaskCodec) []byte {
	b = binary.AppendUvarint(binary.AppendUvarint(b, v.tasks.last), uint64(len(v.tasks.all)))
	for _, k := range v.tasks.all {
		b = appendString(append(binary.AppendUvarint(b, k.Number), byte(k.State)), k.ID)
		for _, at := range []int64{k.At, k.CreatedAt, k.EndedAt} {
			b = binary.AppendUvarint(b, uint64(at))
		}
		b = append(b, k.Fingerprint[:]...)
		b = appendString(b, string(codec.AppendCommand(k.Do)))
		if k.State == TaskDone || k.State == TaskRefused {
			b = appendString(b, string(codec.AppendResult(k.Result)))
		}
	}
	return b
}

// Tasks loads what View.AppendTasks wrote.
func (l *Loader) Tasks(raw []byte, codec TaskCodec) error {
	c, s := NewCursor(raw), l.state
	s.tasks.last = c.Bounded(1<<63 - 1)
	before := uint64(0)
	for range c.Bounded(MaxScheduled) {
		k := Task{Number: c.Bounded(s.tasks.last), State: TaskState(c.Byte())}
		k.ID = c.String()
		k.At, k.CreatedAt, k.EndedAt = int64(c.Bounded(maxTime)), int64(c.Bounded(maxTime)), int64(c.Bounded(maxTime))
		c.fill(k.Fingerprint[:])
		do := c.Blob()
		if c.Err() != nil || k.State > TaskCancelled || k.Number <= before || !ValidID(k.ID) || s.tasks.find(k.ID) >= 0 {
			return errTasks
		}
		before = k.Number
		var err error
		if k.Do, err = codec.Command(do); err != nil {
			return err
		}
		if k.State == TaskDone || k.State == TaskRefused {
			if k.Result, err = codec.Result(c.Blob()); err != nil {
				return err
			}
		}
		s.tasks.all = append(s.tasks.all, &k)
		s.tasks.noteOver(&k)
		if k.State == TaskPending {
			heap.Push(&s.deadlines, deadline{at: k.At, task: k.Number})
		}
	}
	if c.Err() != nil || c.Len() != 0 {
		return errTasks
	}
	return nil
}

// ScheduleFingerprint is what a Schedule is recognised by: its time and its command, without
// what is drawn for each request.
func ScheduleFingerprint(at int64, encoded []byte) Digest {
	return sha256.Sum256(append(binary.BigEndian.AppendUint64(nil, uint64(at)), encoded...))
}

// keepTasks replaces what a backup had scheduled by what this cluster has: what was called
// off here does not come back, and what was carried out is not carried out again, on polls
// that somebody wanted as they were.
func (s *State) keepTasks(old *State) {
	s.tasks = old.tasks
	s.deadlines = slices.DeleteFunc(s.deadlines, func(d deadline) bool { return d.task != 0 })
	for _, k := range s.tasks.all {
		if k.State == TaskPending {
			s.deadlines = append(s.deadlines, deadline{at: k.At, task: k.Number})
		}
	}
	heap.Init(&s.deadlines)
}
