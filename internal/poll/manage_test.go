package poll

import (
	"slices"
	"strconv"
	"testing"

	"voted/internal/refusal"
)

func ptr[T any](v T) *T { return &v }

func request(n int) (r [16]byte) {
	copy(r[:], strconv.Itoa(n))
	return r
}

func TestAPollClosesAtAnExactIndex(t *testing.T) {
	t.Parallel()
	c := newScene(t, timed)
	c.cast(closesAt-1, "v", "a", 0) // entry 2
	if got := c.s.NextDeadline(); got != closesAt {
		t.Fatalf("the next deadline is %d", got)
	}
	c.do(closesAt+500, Tick{}) // entry 3: the leader was late
	c.cast(closesAt+600, "w", "a", 0)
	i, _ := c.s.Info("p")
	if i.ClosedIndex != 3 || i.ClosedAt != closesAt || i.Changed != 3 || i.Ballots != 1 || i.Phase != Closed {
		t.Fatalf("then %+v", i)
	}
	if c.do(9000, Close{Poll: "p"}); c.s.Find("p").closedIndex != 3 || c.s.NextDeadline() != 0 {
		t.Fatal("closing it again moved the index")
	}
}

func TestHowLateAClockClosesAPollIsToldByThatCommandAlone(t *testing.T) {
	t.Parallel()
	c := newScene(t, timed)
	for _, step := range []struct {
		name string
		at   int64
		do   Command
		want []int64
	}{
		{"before it is time", closesAt - 1, Tick{}, nil},
		{"the command after its time", closesAt + 500, Tick{}, []int64{500}},
		{"one more", closesAt + 600, Tick{}, nil},
		{"another poll", closesAt + 600, Create{Definition: Definition{ID: "q", Options: []Option{{ID: "a"}, {ID: "b"}}, Method: "plurality", MaxSelections: 1, ClosesAt: closesAt + 900}}, nil},
		{"which is closed by hand", closesAt + 700, Close{Poll: "q"}, nil},
		{"and whose time passes then", closesAt + 2000, Tick{}, nil},
	} {
		c.do(step.at, step.do)
		if got := c.s.ClosedLate(); !slices.Equal(got, step.want) {
			t.Errorf("%s: %d, want %d", step.name, got, step.want)
		}
	}
}

func TestPollsThatCloseTogetherCloseInTheOrderTheyWereMade(t *testing.T) {
	t.Parallel()
	build := func(first, second string) *State {
		c := &scene{t, NewState()}
		for _, id := range []string{first, second} {
			c.do(1, Create{Definition: Definition{ID: id, Options: []Option{{ID: "a"}, {ID: "b"}}, Method: "plurality", MaxSelections: 1, ClosesAt: 100}})
		}
		c.do(200, Tick{})
		return c.s
	}
	one, same, other := build("x", "y").Digest(), build("x", "y").Digest(), build("y", "x").Digest()
	if one != same || one == other {
		t.Fatal("the digest does not tell the order")
	}
}

func TestPatchRules(t *testing.T) {
	t.Parallel()
	scheduled := func(d *Definition) { d.OpensAt, d.ClosesAt = 5000, 9000 }
	for name, c := range map[string]struct {
		given    func(d *Definition)
		before   func(c *scene)
		patch    Patch
		want     refusal.Code
		revision uint32
	}{
		"a title changes":                               {nil, nil, Patch{Title: ptr("new")}, refusal.None, 2},
		"nothing changes":                               {nil, nil, Patch{Title: ptr("")}, refusal.None, 1},
		"the revision that was read matches":            {nil, nil, Patch{Title: ptr("new"), IfRevision: 1}, refusal.None, 2},
		"another revision was read":                     {nil, nil, Patch{Title: ptr("new"), IfRevision: 2}, refusal.VersionMismatch, 1},
		"a title is too long":                           {nil, nil, Patch{Title: ptr(string(make([]byte, MaxTitleBytes+1)))}, refusal.InvalidPoll, 1},
		"an opening moves before it came":               {scheduled, nil, Patch{OpensAt: ptr(int64(6000))}, refusal.None, 2},
		"an opening moves behind the closing":           {scheduled, nil, Patch{OpensAt: ptr(int64(9000))}, refusal.InvalidPoll, 1},
		"an opening is taken away: it opens at once":    {scheduled, nil, Patch{OpensAt: ptr(int64(0))}, refusal.None, 2},
		"an open poll without ballots opens later":      {nil, nil, Patch{OpensAt: ptr(int64(6000))}, refusal.None, 2},
		"an open poll with ballots cannot open later":   {nil, voted, Patch{OpensAt: ptr(int64(6000))}, refusal.InvalidPoll, 1},
		"an open poll with ballots keeps its opening":   {nil, voted, Patch{OpensAt: ptr(int64(0)), Title: ptr("new")}, refusal.None, 2},
		"a closing moves":                               {scheduled, nil, Patch{ClosesAt: ptr(int64(9500))}, refusal.None, 2},
		"a closing is taken away":                       {scheduled, nil, Patch{ClosesAt: ptr(int64(0))}, refusal.None, 2},
		"a closing moves into the past":                 {nil, nil, Patch{ClosesAt: ptr(int64(1999))}, refusal.InvalidPoll, 1},
		"a closing moves to now":                        {nil, nil, Patch{ClosesAt: ptr(int64(2000))}, refusal.InvalidPoll, 1},
		"a time before 1970":                            {nil, nil, Patch{ClosesAt: ptr(int64(-1))}, refusal.InvalidPoll, 1},
		"an opening before 1970":                        {nil, nil, Patch{OpensAt: ptr(int64(-1))}, refusal.InvalidPoll, 1},
		"a time that no record can hold":                {nil, nil, Patch{ClosesAt: ptr(int64(maxTime + 1))}, refusal.InvalidPoll, 1},
		"the last time that a record can hold":          {nil, nil, Patch{ClosesAt: ptr(int64(maxTime))}, refusal.None, 2},
		"a closed poll":                                 {nil, func(c *scene) { c.do(1500, Close{Poll: "p"}) }, Patch{Title: ptr("new")}, refusal.PollClosed, 1},
		"a poll whose closing time passes in the entry": {func(d *Definition) { d.ClosesAt = 2000 }, nil, Patch{ClosesAt: ptr(int64(9000))}, refusal.PollClosed, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, c.given)
			if c.before != nil {
				c.before(s)
			}
			c.patch.Poll = "p"
			r := s.do(2000, c.patch)
			if verdictOf(r).code != c.want || s.s.Find("p").revision != c.revision {
				t.Fatalf("then %v, revision %d", r, s.s.Find("p").revision)
			}
			if c.want == refusal.VersionMismatch && r.Err.Version != c.revision {
				t.Fatalf("the refusal names the revision %d", r.Err.Version)
			}
		})
	}
}

func voted(c *scene) { c.cast(1500, "v", "a", 0) }

func TestARetriedPatchIsKnown(t *testing.T) {
	t.Parallel()
	title := func(c *scene) string { return c.s.Rules("p").Title }
	t.Run("a late duplicate does not undo a newer patch", func(t *testing.T) {
		t.Parallel()
		c := newScene(t, nil)
		c.do(2000, Patch{Poll: "p", Request: request(1), Title: ptr("one")})
		c.do(2000, Patch{Poll: "p", Request: request(2), Title: ptr("two")})
		if r := c.do(3000, Patch{Poll: "p", Request: request(1), Title: ptr("one")}); r.Err != nil || title(c) != "two" {
			t.Fatalf("then %v, title %q", r, title(c))
		}
	})
	t.Run("a late duplicate of one that changed nothing does not, either", func(t *testing.T) {
		t.Parallel()
		c := newScene(t, nil)
		c.do(2000, Patch{Poll: "p", Request: request(1), Title: ptr("")})
		c.do(2000, Patch{Poll: "p", Request: request(2), Title: ptr("two")})
		if r := c.do(3000, Patch{Poll: "p", Request: request(1), Title: ptr("")}); r.Err != nil || title(c) != "two" {
			t.Fatalf("then %v, title %q", r, title(c))
		}
	})
	t.Run("a retry after the close says that it was done", func(t *testing.T) {
		t.Parallel()
		c := newScene(t, nil)
		c.do(2000, Patch{Poll: "p", Request: request(1), Title: ptr("one")})
		c.do(2000, Close{Poll: "p"})
		if r := c.do(3000, Patch{Poll: "p", Request: request(1), Title: ptr("one")}); r.Err != nil {
			t.Fatalf("then %v", r)
		}
	})
	t.Run("the same request with another patch is refused, and changes nothing", func(t *testing.T) {
		t.Parallel()
		c := newScene(t, nil)
		c.do(2000, Patch{Poll: "p", Request: request(1), Fingerprint: request(1), Title: ptr("one")})
		r := c.do(3000, Patch{Poll: "p", Request: request(1), Fingerprint: request(2), Title: ptr("two")})
		if r.Err == nil || r.Err.Code != refusal.IdempotencyKeyReused || title(c) != "one" {
			t.Fatalf("then %v, title %q", r, title(c))
		}
	})
	t.Run("a duplicate that is a day late is a new patch", func(t *testing.T) {
		t.Parallel()
		c := newScene(t, nil)
		c.do(2000, Patch{Poll: "p", Request: request(1), Title: ptr("one")})
		c.do(2000, Patch{Poll: "p", Request: request(2), Title: ptr("two")})
		if r := c.do(2000+patchMemory-1, Patch{Poll: "p", Request: request(1), Title: ptr("one")}); !r.Replayed || title(c) != "two" {
			t.Fatalf("a moment before: %v, title %q", r, title(c))
		}
		if r := c.do(2000+patchMemory, Patch{Poll: "p", Request: request(1), Title: ptr("one")}); r.Replayed || r.Err != nil || title(c) != "one" {
			t.Fatalf("a day later: %v, title %q", r, title(c))
		}
	})
	t.Run("the memory is bounded: the oldest gives way after ten minutes, and the refusal says when", func(t *testing.T) {
		t.Parallel()
		c := newScene(t, nil)
		for n := range maxPatches {
			if r := c.do(2000, Patch{Poll: "p", Request: request(n), Title: ptr(strconv.Itoa(n))}); r.Err != nil {
				t.Fatalf("patch %d: %v", n, r)
			}
		}
		one := Patch{Poll: "p", Request: request(1000), Title: ptr("x")}
		r := c.do(5000, one)
		if r.Err == nil || r.Err.Code != refusal.TooManyRequests || r.Err.RetryAfter != patchHold-3000 {
			t.Fatalf("one too many: %v, %+v", r, r.Err)
		}
		if r := c.do(5000+r.Err.RetryAfter-1, one); r.Err == nil {
			t.Fatalf("a moment too early: %v", r)
		}
		if r := c.do(5000+r.Err.RetryAfter, one); r.Err != nil || len(c.s.Find("p").patches) != maxPatches {
			t.Fatalf("ten minutes later: %v", r)
		}
	})
	t.Run("a view keeps what a patch forgets", func(t *testing.T) {
		t.Parallel()
		c := newScene(t, nil)
		c.do(2000, Patch{Poll: "p", Request: request(1), Title: ptr("one")})
		v := c.s.View()
		defer v.Close()
		c.do(2000+patchMemory, Patch{Poll: "p", Request: request(2), Title: ptr("two")})
		if got := v.Poll(0); len(got.patches) != 1 || got.patches[0].request != request(1) {
			t.Fatalf("the view has %v", got.patches)
		}
	})
}

func TestACreationSentAgainFindsItsPollThoughItWasChangedSince(t *testing.T) {
	t.Parallel()
	c := newScene(t, nil)
	first := c.s.Rules("p").Definition
	for _, title := range []string{"one", "two"} {
		c.do(2000, Patch{Poll: "p", Request: request(len(title) + int(title[0])), Title: &title})
		if r := c.do(2000, Create{Definition: first}); r.Err != nil || r.Created || c.s.Rules("p").Title != title {
			t.Fatalf("after the title %q: %v", title, r)
		}
	}
	between := first
	between.Title = "one"
	if r := c.do(2000, Create{Definition: between}); r.Err == nil || r.Err.Code != refusal.PollExists {
		t.Fatalf("a definition that it had in between: %v", r)
	}
}

func TestAChangeForAnotherRevisionChangesNothing(t *testing.T) {
	t.Parallel()
	c := newScene(t, nil)
	d := c.s.Rules("p").Definition
	c.do(2000, Patch{Poll: "p", Title: ptr("new")})
	fresh := d
	fresh.ID = "fresh"
	before := c.s.Digest()
	for name, do := range map[string]Command{
		"close":                                 Close{Poll: "p", IfRevision: 1},
		"delete":                                Delete{Poll: "p", IfRevision: 1},
		"patch":                                 Patch{Poll: "p", Request: request(2), IfRevision: 1, Title: ptr("late")},
		"create":                                Create{Definition: d, IfRevision: 1},
		"create what must not be there":         Create{Definition: d, Salt: Salt{9}, IfAbsent: true},
		"create what must be there, and is not": Create{Definition: fresh, IfRevision: 1},
	} {
		if r := c.do(2000, do); r.Err == nil || r.Err.Code != refusal.VersionMismatch || c.s.Digest() != before {
			t.Errorf("%s: %v", name, r)
		}
	}
	if r := c.do(2000, Close{Poll: "p", IfRevision: 2}); r.Err != nil {
		t.Errorf("closing at the revision that is there: %v", r)
	}
	for range 2 {
		if r := c.do(2000, Delete{Poll: "p", IfRevision: 2}); r.Err != nil {
			t.Errorf("deleting at the revision that is there: %v", r)
		}
	}
	if r := c.do(2000, Delete{Poll: "p", IfRevision: 1}); r.Err == nil || r.Err.Code != refusal.VersionMismatch {
		t.Errorf("deleting another revision than was deleted: %v", r)
	}
	// A member submits a command again when its outcome is unknown.
	for range 2 {
		if r := c.do(2000, Create{Definition: fresh, Salt: Salt{7}, IfAbsent: true}); !r.Created {
			t.Errorf("a creation, and the same command again: %v", r)
		}
	}
}

func TestKeysOfTwoClientsHaveNothingToDoWithEachOther(t *testing.T) {
	t.Parallel()
	c := newScene(t, nil)
	d := c.s.Rules("p").Definition
	keyed := func(id, client string, fingerprint byte) Result {
		d.ID = id
		return c.do(2000, Create{Definition: d, Key: "job-1", Client: client, Fingerprint: Digest{fingerprint}})
	}
	if r := keyed("a", "token:alice", 1); !r.Created {
		t.Fatalf("alice: %v", r)
	}
	if r := keyed("b", "token:bob", 1); !r.Created || r.Poll != "b" {
		t.Fatalf("bob, with the same key and body: %v", r)
	}
	if r := keyed("c", "", 2); !r.Created {
		t.Fatalf("a sender without a name, with the same key and another body: %v", r)
	}
	if r := keyed("d", "token:alice", 1); !r.Replayed || r.Poll != "a" {
		t.Fatalf("alice again: %v", r)
	}
	if r := keyed("d", "token:alice", 2); r.Err == nil || r.Err.Code != refusal.IdempotencyKeyReused {
		t.Fatalf("alice, with another body: %v", r)
	}
}

func TestAKeyWhosePollWasDeletedSaysSo(t *testing.T) {
	t.Parallel()
	c := newScene(t, nil)
	d := c.s.Rules("p").Definition
	d.ID = "made"
	create := Create{Definition: d, Key: "k"}
	c.do(2000, create)
	c.do(2000, Close{Poll: "made"})
	c.do(2000, Delete{Poll: "made"})
	d.ID = "other" // a retry draws another id
	if r := c.do(2000, Create{Definition: d, Key: "k"}); r.Err == nil || r.Err.Code != refusal.PollNotFound || r.Replayed || r.Err.Reason != refusal.KeyOfDeletedPoll || r.Err.Subject != "made" {
		t.Fatalf("then %v", r)
	}
}

func TestCreateCloseAndDeleteMayBeSentAgain(t *testing.T) {
	t.Parallel()
	c := newScene(t, nil)
	d := c.s.Rules("p").Definition
	other := d
	other.Title = "other"
	past := d
	past.ID, past.ClosesAt = "past", 1500
	for _, step := range []struct {
		name string
		do   Command
		want refusal.Code
	}{
		{"the same definition again", Create{Definition: d, Salt: Salt{9}}, refusal.None},
		{"another definition under the same id", Create{Definition: other}, refusal.PollExists},
		{"a closing in the past", Create{Definition: past}, refusal.InvalidPoll},
		{"a definition that cannot be", Create{Definition: Definition{ID: "x"}}, refusal.InvalidPoll},
		{"deleting while open", Delete{Poll: "p"}, refusal.PollNotClosed},
		{"deleting what never was", Delete{Poll: "none"}, refusal.PollNotFound},
		{"closing what never was", Close{Poll: "none"}, refusal.PollNotFound},
		{"closing", Close{Poll: "p"}, refusal.None},
		{"closing again", Close{Poll: "p"}, refusal.None},
		{"the same definition after the close", Create{Definition: d}, refusal.None},
		{"deleting", Delete{Poll: "p"}, refusal.None},
		{"deleting again", Delete{Poll: "p"}, refusal.None},
		{"closing after it was deleted", Close{Poll: "p"}, refusal.PollNotFound},
		{"patching after it was deleted", Patch{Poll: "p"}, refusal.PollNotFound},
		{"the same definition after it was deleted: the tombstone keeps the id", Create{Definition: d}, refusal.PollExists},
	} {
		r := c.do(2000, step.do)
		if verdictOf(r).code != step.want || r.Created {
			t.Fatalf("%s: %v", step.name, r)
		}
	}
	if c.s.Polls() != 0 || !c.s.Known("p") || c.s.Find("p") != nil {
		t.Fatalf("%d polls are left", c.s.Polls())
	}
}

func TestATombstoneSurvivesASnapshot(t *testing.T) {
	t.Parallel()
	c := newScene(t, func(d *Definition) { d.Secrecy = Open })
	c.cast(1500, "v", "a", 0)
	c.do(2000, Close{Poll: "p"})
	c.do(2000, Delete{Poll: "p"})
	v := c.s.View()
	defer v.Close()
	s, err := save(v).load()
	if err != nil {
		t.Fatal(err)
	}
	again := &scene{t, s}
	d := Definition{ID: "p", Options: []Option{{ID: "a"}, {ID: "b"}}, Method: "plurality", MaxSelections: 1}
	if r := again.do(3000, Create{Definition: d}); r.Err == nil || r.Err.Code != refusal.PollExists || s.Polls() != 0 {
		t.Fatalf("then %v", r)
	}
}

func TestIdempotencyKeys(t *testing.T) {
	t.Parallel()
	create := func(id, key string, fingerprint byte) Create {
		return Create{
			Definition: Definition{ID: id, Options: []Option{{ID: "a"}, {ID: "b"}}, Method: "plurality", MaxSelections: 1},
			Key:        key, Fingerprint: Digest{fingerprint},
		}
	}
	c := &scene{t, NewState()}
	for _, step := range []struct {
		name string
		at   int64
		do   Create
		want verdict
	}{
		{"the first use creates", 1000, create("p", "k", 1), verdict{poll: "p", index: 1, created: true}},
		{"the same request under a new made id finds the first poll", 2000, create("q", "k", 1), verdict{poll: "p", index: 2, replayed: true}},
		{"another request with that key is refused", 2000, create("r", "k", 2), verdict{code: refusal.IdempotencyKeyReused, index: 3}},
		{"a refused create does not use up its key", 2000, create("p!", "l", 1), verdict{code: refusal.InvalidPoll, poll: "p!", index: 4}},
		{"so that key works", 2000, create("s", "l", 2), verdict{poll: "s", index: 5, created: true}},
		{"a millisecond before it expires it is known", 1000 + IdempotencyTTL - 1, create("t", "k", 1), verdict{poll: "p", index: 6, replayed: true}},
		{"then it is free", 1000 + IdempotencyTTL, create("t", "k", 2), verdict{poll: "t", index: 7, created: true}},
		{"a clock that goes back does not bring it back", 1000, create("u", "k", 1), verdict{code: refusal.IdempotencyKeyReused, index: 8}},
	} {
		if got := verdictOf(c.do(step.at, step.do)); got != step.want {
			t.Fatalf("%s: %+v, not %+v", step.name, got, step.want)
		}
	}
}

func TestTheKeyTableIsBoundedAndForgetsNoneEarly(t *testing.T) {
	t.Parallel()
	c := &scene{t, NewState()}
	create := func(n int) Create {
		return Create{
			Definition: Definition{ID: "p" + strconv.Itoa(n), Options: []Option{{ID: "a"}, {ID: "b"}}, Method: "plurality", MaxSelections: 1},
			Key:        "k" + strconv.Itoa(n),
		}
	}
	for n := range MaxIdempotencyKeys {
		if r := c.do(1000+int64(n), create(n)); !r.Created {
			t.Fatalf("key %d: %v", n, r)
		}
	}
	full := int64(1000 + MaxIdempotencyKeys)
	if r := c.do(full, create(MaxIdempotencyKeys)); r.Err == nil || r.Err.Code != refusal.TooManyRequests || r.Err.RetryAfter != 1000+IdempotencyTTL-full {
		t.Fatalf("one key too many: %v", r)
	}
	if r := c.do(full, create(0)); r.Err != nil || !r.Replayed {
		t.Fatalf("the first key in a full table: %v", r)
	}
	unkeyed := create(MaxIdempotencyKeys)
	unkeyed.Key = ""
	if r := c.do(full, unkeyed); !r.Created {
		t.Fatalf("a create without a key: %v", r)
	}
	if r := c.do(1000+IdempotencyTTL, create(MaxIdempotencyKeys+1)); !r.Created {
		t.Fatalf("when the first has expired: %v", r)
	}
}

func TestIndexesMustRise(t *testing.T) {
	t.Parallel()
	s := NewState()
	s.Begin(Stamp{Index: 5})
	s.End()
	defer func() {
		if recover() == nil {
			t.Fatal("an entry was applied twice")
		}
	}()
	s.Begin(Stamp{Index: 5})
}

func TestAStampThatNoRecordCanHoldDoesNotEnterTheClock(t *testing.T) {
	t.Parallel()
	c := newScene(t, nil)
	c.do(1<<62, Tick{})
	v := c.s.View()
	defer v.Close()
	if s, err := save(v).load(); err != nil || s.Clock() != c.s.Clock() {
		t.Fatalf("the state cannot be loaded: %v", err)
	}
}

// Times that stay as they are wait once, however often the rest of a poll changes.
func TestPatchesOfATitleLeaveNothingBehind(t *testing.T) {
	t.Parallel()
	s := NewState()
	s.Begin(Stamp{Index: 1, At: 1000})
	d := Definition{ID: "p", Options: []Option{{ID: "a"}, {ID: "b"}}, OpensAt: 5000, ClosesAt: 9000}
	s.Do(Create{Definition: d.WithDefaults()})
	for n := range byte(10) {
		s.Do(Patch{Poll: "p", Request: [16]byte{n + 1}, Title: ptr(string('a' + rune(n)))})
	}
	s.End()
	if len(s.deadlines) != 2 {
		t.Errorf("%d times are waited for", len(s.deadlines))
	}
	s.Begin(Stamp{Index: 2, At: 1000})
	s.Do(Patch{Poll: "p", Request: [16]byte{99}, ClosesAt: ptr(int64(8000))})
	s.End()
	s.Begin(Stamp{Index: 3, At: 8000})
	s.End()
	if p := s.Find("p"); p.closedAt != 8000 {
		t.Errorf("it closed at %d", p.closedAt)
	}
}
