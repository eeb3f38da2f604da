package poll

import (
	"strconv"
	"testing"
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
	if c.do(9000, Close{"p"}); c.s.Find("p").closedIndex != 3 || c.s.NextDeadline() != 0 {
		t.Fatal("closing it again moved the index")
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
		want     Code
		revision uint32
	}{
		"a title changes":                               {nil, nil, Patch{Title: ptr("new")}, CodeNone, 2},
		"nothing changes":                               {nil, nil, Patch{Title: ptr("")}, CodeNone, 1},
		"the revision that was read matches":            {nil, nil, Patch{Title: ptr("new"), IfRevision: 1}, CodeNone, 2},
		"another revision was read":                     {nil, nil, Patch{Title: ptr("new"), IfRevision: 2}, CodeVersionMismatch, 1},
		"a title is too long":                           {nil, nil, Patch{Title: ptr(string(make([]byte, MaxTitleBytes+1)))}, CodeInvalidPoll, 1},
		"an opening moves before it came":               {scheduled, nil, Patch{OpensAt: ptr(int64(6000))}, CodeNone, 2},
		"an opening moves behind the closing":           {scheduled, nil, Patch{OpensAt: ptr(int64(9000))}, CodeInvalidPoll, 1},
		"an opening is taken away: it opens at once":    {scheduled, nil, Patch{OpensAt: ptr(int64(0))}, CodeNone, 2},
		"an open poll without ballots opens later":      {nil, nil, Patch{OpensAt: ptr(int64(6000))}, CodeNone, 2},
		"an open poll with ballots cannot open later":   {nil, voted, Patch{OpensAt: ptr(int64(6000))}, CodeInvalidPoll, 1},
		"an open poll with ballots keeps its opening":   {nil, voted, Patch{OpensAt: ptr(int64(0)), Title: ptr("new")}, CodeNone, 2},
		"a closing moves":                               {scheduled, nil, Patch{ClosesAt: ptr(int64(9500))}, CodeNone, 2},
		"a closing is taken away":                       {scheduled, nil, Patch{ClosesAt: ptr(int64(0))}, CodeNone, 2},
		"a closing moves into the past":                 {nil, nil, Patch{ClosesAt: ptr(int64(1999))}, CodeInvalidPoll, 1},
		"a closing moves to now":                        {nil, nil, Patch{ClosesAt: ptr(int64(2000))}, CodeInvalidPoll, 1},
		"a time before 1970":                            {nil, nil, Patch{ClosesAt: ptr(int64(-1))}, CodeInvalidPoll, 1},
		"an opening before 1970":                        {nil, nil, Patch{OpensAt: ptr(int64(-1))}, CodeInvalidPoll, 1},
		"a time that no record can hold":                {nil, nil, Patch{ClosesAt: ptr(int64(maxTime + 1))}, CodeInvalidPoll, 1},
		"the last time that a record can hold":          {nil, nil, Patch{ClosesAt: ptr(int64(maxTime))}, CodeNone, 2},
		"a closed poll":                                 {nil, func(c *scene) { c.do(1500, Close{"p"}) }, Patch{Title: ptr("new")}, CodePollClosed, 1},
		"a poll whose closing time passes in the entry": {func(d *Definition) { d.ClosesAt = 2000 }, nil, Patch{ClosesAt: ptr(int64(9000))}, CodePollClosed, 1},
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
			if c.want == CodeVersionMismatch && r.Err.Version != c.revision {
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
		c.do(2000, Close{"p"})
		if r := c.do(3000, Patch{Poll: "p", Request: request(1), Title: ptr("one")}); r.Err != nil {
			t.Fatalf("then %v", r)
		}
	})
	t.Run("the memory is bounded, and frees itself after ten minutes", func(t *testing.T) {
		t.Parallel()
		c := newScene(t, nil)
		for n := range maxPatches {
			if r := c.do(2000, Patch{Poll: "p", Request: request(n), Title: ptr(strconv.Itoa(n))}); r.Err != nil {
				t.Fatalf("patch %d: %v", n, r)
			}
		}
		one := Patch{Poll: "p", Request: request(1000), Title: ptr("x")}
		if r := c.do(2000+patchMemory-1, one); r.Err == nil || r.Err.Code != CodeTooManyRequests {
			t.Fatalf("one too many: %v", r)
		}
		if r := c.do(2000+patchMemory, one); r.Err != nil || len(c.s.Find("p").patches) != 1 {
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
		want Code
	}{
		{"the same definition again", Create{Definition: d, Salt: Salt{9}}, CodeNone},
		{"another definition under the same id", Create{Definition: other}, CodePollExists},
		{"a closing in the past", Create{Definition: past}, CodeInvalidPoll},
		{"a definition that cannot be", Create{Definition: Definition{ID: "x"}}, CodeInvalidPoll},
		{"deleting while open", Delete{"p"}, CodePollNotClosed},
		{"deleting what never was", Delete{"none"}, CodePollNotFound},
		{"closing what never was", Close{"none"}, CodePollNotFound},
		{"closing", Close{"p"}, CodeNone},
		{"closing again", Close{"p"}, CodeNone},
		{"the same definition after the close", Create{Definition: d}, CodeNone},
		{"deleting", Delete{"p"}, CodeNone},
		{"deleting again", Delete{"p"}, CodeNone},
		{"closing after it was deleted", Close{"p"}, CodePollNotFound},
		{"patching after it was deleted", Patch{Poll: "p"}, CodePollNotFound},
		{"the same definition after it was deleted: the tombstone keeps the id", Create{Definition: d}, CodePollExists},
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
	c.do(2000, Close{"p"})
	c.do(2000, Delete{"p"})
	v := c.s.View()
	defer v.Close()
	s, err := save(v).load()
	if err != nil {
		t.Fatal(err)
	}
	again := &scene{t, s}
	d := Definition{ID: "p", Options: []Option{{ID: "a"}, {ID: "b"}}, Method: "plurality", MaxSelections: 1}
	if r := again.do(3000, Create{Definition: d}); r.Err == nil || r.Err.Code != CodePollExists || s.Polls() != 0 {
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
		{"another request with that key is refused", 2000, create("r", "k", 2), verdict{code: CodeIdempotencyKeyReused, index: 3}},
		{"a refused create does not use up its key", 2000, create("p!", "l", 1), verdict{code: CodeInvalidPoll, poll: "p!", index: 4}},
		{"so that key works", 2000, create("s", "l", 2), verdict{poll: "s", index: 5, created: true}},
		{"a millisecond before it expires it is known", 1000 + IdempotencyTTL - 1, create("t", "k", 1), verdict{poll: "p", index: 6, replayed: true}},
		{"then it is free", 1000 + IdempotencyTTL, create("t", "k", 2), verdict{poll: "t", index: 7, created: true}},
		{"a clock that goes back does not bring it back", 1000, create("u", "k", 1), verdict{code: CodeIdempotencyKeyReused, index: 8}},
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
	if r := c.do(full, create(MaxIdempotencyKeys)); r.Err == nil || r.Err.Code != CodeTooManyRequests {
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
