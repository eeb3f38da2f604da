package fsm

import (
	"math"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/tally"
)

// Whatever a member can propose, every member must be able to read: a committed entry
// that cannot be read stops the whole cluster, again at each start. So bad values must
// survive the encoding, for the state's rules to refuse them.
func TestEveryCommandThatCanBeProposedCanBeRead(t *testing.T) {
	t.Parallel()
	ancient, far, title := int64(-1), int64(math.MaxInt64), "t"
	for name, c := range map[string]poll.Command{
		"a patch to a time before 1970":            poll.Patch{Poll: "p", ClosesAt: &ancient},
		"a patch to the end of time":               poll.Patch{Poll: "p", Title: &title, OpensAt: &far, IfRevision: math.MaxUint32},
		"a poll with times before 1970":            poll.Create{Definition: poll.Definition{ID: "p", Options: []poll.Option{}, OpensAt: -1, ClosesAt: math.MinInt64}},
		"a poll with negative numbers":             poll.Create{Definition: poll.Definition{Options: []poll.Option{}, MinSelections: -1, MaxSelections: -2, MaxScore: -3}},
		"a poll with numbers that are far too big": poll.Create{Definition: poll.Definition{Options: []poll.Option{}, MinSelections: math.MaxInt64, MaxBallots: math.MaxUint64, Revote: 255, Results: 255, Secrecy: 255}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustRoundTrip(t, c)
		})
	}
}

type fataler interface {
	Helper()
	Fatalf(format string, args ...any)
}

func mustRoundTrip(t fataler, c poll.Command) {
	t.Helper()
	back, err := DecodeRequest(EncodeRequest(c))
	if err != nil || !reflect.DeepEqual(back, c) {
		t.Fatalf("request: %#v came back as %#v, %v", c, back, err)
	}
	got, err := decodeCommand(AppendCommand([]byte("before"), 7, c)[len("before"):])
	if err != nil || got.at != 7 || !reflect.DeepEqual(got.manage, c) {
		t.Fatalf("command: %#v came back as %#v, %v", c, got, err)
	}
}

func anySettings() *rapid.Generator[tally.Settings] {
	return rapid.Custom(func(t *rapid.T) tally.Settings {
		numbers := rapid.SliceOfN(rapid.IntRange(0, 1<<20), 1, 5)
		s := tally.Settings{Seats: rapid.Int().Draw(t, "seats"), Ties: tally.TieBreak(rapid.Byte().Draw(t, "ties"))}
		if rapid.Bool().Draw(t, "drawn") {
			s.Lot = numbers.Draw(t, "lot")
		}
		for range rapid.IntRange(0, 3).Draw(t, "rules") {
			v := tally.Value{Word: rapid.String().Draw(t, "word"), Count: rapid.Int().Draw(t, "count")}
			if rapid.Bool().Draw(t, "named") {
				v.Options = numbers.Draw(t, "options")
			}
			if s.Rules == nil {
				s.Rules = tally.Rules{}
			}
			s.Rules[rapid.String().Draw(t, "rule")] = v
		}
		return s
	})
}

func anyCommand() *rapid.Generator[poll.Command] {
	return rapid.Custom(func(t *rapid.T) poll.Command {
		text := rapid.StringN(0, 20, 80)
		moment := rapid.Ptr(rapid.Int64(), true)
		bytes16 := func(label string) (b [16]byte) {
			copy(b[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, label))
			return b
		}
		switch rapid.IntRange(-2, 10).Draw(t, "kind") {
		case -2:
			return anyEndpointCommand(t, text, bytes16)
		case -1:
			return poll.DrawLot{Poll: text.Draw(t, "poll"), Order: rapid.SliceOfN(rapid.IntRange(0, 1<<20), 1, 5).Draw(t, "order"), Seed: text.Draw(t, "seed")}
		case 0:
			d := poll.Definition{
				ID: text.Draw(t, "id"), Title: text.Draw(t, "title"), Method: text.Draw(t, "method"), Options: []poll.Option{},
				MinSelections: rapid.Int().Draw(t, "min"), MaxSelections: rapid.Int().Draw(t, "max"), MaxScore: rapid.Int().Draw(t, "score"),
				Revote: poll.Revote(rapid.Byte().Draw(t, "revote")), Results: poll.Visibility(rapid.Byte().Draw(t, "results")),
				Secrecy: poll.Secrecy(rapid.Byte().Draw(t, "secrecy")), OpensAt: rapid.Int64().Draw(t, "opens"), ClosesAt: rapid.Int64().Draw(t, "closes"),
				MaxBallots: rapid.Uint64().Draw(t, "cap"), Eligibility: poll.Eligibility(rapid.Byte().Draw(t, "eligibility")), Quorum: rapid.Uint64().Draw(t, "quorum"),
			}
			if rapid.Bool().Draw(t, "counted") {
				d.Disclosure, d.Receipts = poll.Disclosure(rapid.Byte().Draw(t, "disclosure")), poll.Receipts(rapid.Byte().Draw(t, "receipts"))
				d.Ballots, d.Counting = poll.Marking(rapid.Byte().Draw(t, "marking")), anySettings().Draw(t, "settings")
			}
			for range rapid.IntRange(0, 5).Draw(t, "options") {
				d.Options = append(d.Options, poll.Option{ID: text.Draw(t, "option"), Title: text.Draw(t, "option title")})
			}
			if rapid.Bool().Draw(t, "presented") {
				d.Audience, d.Order = poll.Audience(rapid.Byte().Draw(t, "audience")), poll.OptionOrder(rapid.Byte().Draw(t, "order"))
				d.Description, d.Contact = text.Draw(t, "description"), text.Draw(t, "contact")
				for i := range d.Options {
					d.Options[i].Description = text.Draw(t, "option description")
				}
			}
			c := poll.Create{Definition: d, Salt: bytes16("salt"), Key: text.Draw(t, "key"), Client: text.Draw(t, "client"), IfRevision: rapid.Uint32().Draw(t, "revision"), IfAbsent: rapid.Bool().Draw(t, "absent")}
			copy(c.Fingerprint[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "fingerprint"))
			return c
		case 1:
			return poll.Patch{
				Poll: text.Draw(t, "poll"), Request: bytes16("request"), Fingerprint: bytes16("fingerprint"), IfRevision: rapid.Uint32().Draw(t, "revision"),
				Title: rapid.Ptr(text, true).Draw(t, "title"), OpensAt: moment.Draw(t, "opens"), ClosesAt: moment.Draw(t, "closes"),
			}
		case 2:
			return poll.Close{Poll: text.Draw(t, "poll"), IfRevision: rapid.Uint32().Draw(t, "revision")}
		case 3:
			return poll.Delete{Poll: text.Draw(t, "poll"), IfRevision: rapid.Uint32().Draw(t, "revision")}
		case 4:
			c := poll.Enroll{Poll: text.Draw(t, "poll"), Since: rapid.Uint64().Draw(t, "since"), Lines: make([]poll.RollLine, rapid.IntRange(0, 20).Draw(t, "lines"))}
			for i := range c.Lines {
				c.Lines[i] = poll.RollLine{Key: bytes16("key"), Weight: rapid.Uint32().Draw(t, "weight")}
			}
			return c
		case 7:
			c := RestoreStep{Step: rapid.Byte().Draw(t, "step"), Piece: rapid.Uint64().Draw(t, "piece"), Confirm: text.Draw(t, "confirm"), Since: rapid.Uint64().Draw(t, "since")}
			copy(c.Backup[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "backup"))
			c.Data = append([]byte{}, rapid.SliceOf(rapid.Byte()).Draw(t, "data")...)
			return c
		case 5:
			return poll.Drop{Poll: text.Draw(t, "poll"), Since: rapid.Uint64().Draw(t, "since"), Key: bytes16("key")}
		case 6:
			return poll.Raise{Level: rapid.Uint32().Draw(t, "level")}
		}
		var hash poll.TokenHash
		copy(hash[:], rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "hash"))
		switch member := text.Draw(t, "member"); rapid.IntRange(0, 3).Draw(t, "token") {
		case 0:
			return poll.IssueToken{Hash: hash, Member: member, TTL: rapid.Int64().Draw(t, "ttl")}
		case 1:
			return poll.RedeemToken{Hash: hash, Member: member, Disk: text.Draw(t, "disk")}
		case 2:
			return poll.RevokeTokens{Member: member}
		}
		return poll.Tick{}
	})
}

// anyEndpointCommand draws a command about webhooks or alarms.
func anyEndpointCommand(t *rapid.T, text *rapid.Generator[string], bytes16 func(string) [16]byte) poll.Command {
	id, ask := text.Draw(t, "id"), poll.Ask{Request: bytes16("request"), Fingerprint: bytes16("fingerprint")}
	n, revision := rapid.Uint64(), rapid.Uint32()
	kinds := rapid.Map(n, func(n uint64) poll.KindSet { return poll.KindSet(n) })
	switch rapid.IntRange(0, 6).Draw(t, "of endpoints") {
	case 0:
		w := poll.Webhook{URL: text.Draw(t, "url"), Kinds: kinds.Draw(t, "kinds"), Rate: rapid.Uint16().Draw(t, "rate")}
		if polls := rapid.SliceOf(text).Draw(t, "polls"); len(polls) > 0 {
			w.Polls = polls
		}
		return poll.PutEndpoint{ID: id, Ask: ask, Webhook: w, From: n.Draw(t, "from"), IfRevision: revision.Draw(t, "revision")}
	case 1:
		return poll.PatchEndpoint{
			ID: id, Ask: ask, IfRevision: revision.Draw(t, "revision"), URL: rapid.Ptr(text, true).Draw(t, "url"),
			Kinds: rapid.Ptr(kinds, true).Draw(t, "kinds"), Polls: rapid.Ptr(rapid.SliceOf(text), true).Draw(t, "polls"),
			Rate: rapid.Ptr(rapid.Uint16(), true).Draw(t, "rate"), Paused: rapid.Ptr(rapid.Bool(), true).Draw(t, "paused"),
		}
	case 2:
		return poll.DropEndpoint{ID: id, Ask: ask, IfRevision: revision.Draw(t, "revision")}
	case 3:
		return poll.RotateKey{ID: id, Ask: ask, Overlap: rapid.Int64().Draw(t, "overlap")}
	case 4:
		r := poll.Redeliver{ID: id, Ask: ask, All: rapid.Bool().Draw(t, "all"), After: n.Draw(t, "after")}
		if events := rapid.SliceOf(n).Draw(t, "events"); len(events) > 0 {
			r.Events = events
		}
		return r
	case 5:
		return poll.Alarm{Kind: text.Draw(t, "kind"), Member: id, On: rapid.Bool().Draw(t, "on"), Says: text.Draw(t, "says")}
	}
	var p poll.Progress
	for range rapid.IntRange(0, 3).Draw(t, "moves") {
		p.Moves = append(p.Moves, anyMove(t))
	}
	return p
}

func anyMove(t *rapid.T) poll.Move {
	n := rapid.Uint64()
	m := poll.Move{
		Endpoint: n.Draw(t, "endpoint"), Revision: rapid.Uint32().Draw(t, "revision"), Cursor: n.Draw(t, "cursor"), Last: n.Draw(t, "last"),
		DeadEver: n.Draw(t, "ever"), FailingSince: rapid.Int64().Draw(t, "failing"),
		Verified: rapid.Bool().Draw(t, "verified"), Disable: poll.EndpointReason(rapid.Byte().Draw(t, "why")),
	}
	for range rapid.IntRange(0, 3).Draw(t, "dead letters") {
		m.Dead = append(m.Dead, poll.DeadLetter{
			Number: n.Draw(t, "number"), At: rapid.Int64().Draw(t, "at"), Status: rapid.Uint16().Draw(t, "status"),
			Fault: poll.Fault(rapid.Byte().Draw(t, "fault")), Redelivered: rapid.Bool().Draw(t, "redelivered"),
		})
	}
	for range rapid.IntRange(0, 3).Draw(t, "redone") {
		again := poll.Redelivery{Number: n.Draw(t, "number"), Asked: n.Draw(t, "asked")}
		m.Done = append(m.Done, poll.Redone{Redelivery: again, Delivered: rapid.Bool().Draw(t, "delivered")})
	}
	return m
}

func TestAnyCommandComesBackAsItWas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) { mustRoundTrip(t, anyCommand().Draw(t, "command")) })
}

// anyBallots makes random ballots for a few polls; whether a poll is open is fixed.
func anyBallots(t *rapid.T) []poll.Ballot {
	ballots := make([]poll.Ballot, rapid.IntRange(0, 60).Draw(t, "ballots"))
	for i := range ballots {
		b := &ballots[i]
		b.Poll = rapid.SampledFrom([]string{"secret", "open", "s2", "o2"}).Draw(t, "poll")
		copy(b.Key[:], rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "key"))
		b.Selections = rapid.SliceOfN(rapid.ByteRange(0, 4), 0, 3).Draw(t, "selections")
		b.IfVersion = rapid.SampledFrom([]uint32{0, 0, 1, 300, math.MaxUint32}).Draw(t, "if version")
		if b.Poll[0] == 'o' {
			b.Voter = rapid.StringN(1, 20, poll.MaxVoterBytes).Draw(t, "voter")
		}
	}
	return ballots
}

func TestAnyFrameComesBackInTheOrderOfItsPlaces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		ballots := anyBallots(t)
		var f Frame
		places := make([]Place, len(ballots))
		for i := range ballots {
			places[i] = f.Add(&ballots[i])
		}
		sealed, first := f.Seal()
		if n, err := CountFrame(sealed); n != len(ballots) || n != f.Len() || err != nil {
			t.Fatalf("%d of %d ballots are read: %v", n, len(ballots), err)
		}
		if f.Bytes() > len(sealed)+64 || len(sealed) > f.Bytes()+64*len(first)+16 {
			t.Fatalf("the frame said it has about %d bytes, it has %d", f.Bytes(), len(sealed))
		}
		read := readBallots(t, sealed)
		for i, p := range places {
			if got := read[p.Position(first)]; !sameBallot(got, ballots[i]) {
				t.Fatalf("ballot %d: %+v came back as %+v", i, ballots[i], got)
			}
		}
	})
}

func sameBallot(a, b poll.Ballot) bool {
	return a.Poll == b.Poll && a.Key == b.Key && a.Voter == b.Voter && string(a.Selections) == string(b.Selections) && a.IfVersion == b.IfVersion
}

// readBallots returns what a frame holds, copied out of the memory that is reused.
func readBallots(t fataler, frame []byte) (read []poll.Ballot) {
	t.Helper()
	id := ""
	err := readFrame(frame, func(p []byte) { id = string(p) }, func(b *poll.Ballot) {
		c := *b
		c.Poll, c.Selections = id, append([]byte(nil), b.Selections...)
		read = append(read, c)
	})
	if err != nil {
		t.Fatalf("frame: %v", err)
	}
	return read
}

func TestABallotWithoutAVoterDoesNotInheritTheOneBeforeIt(t *testing.T) {
	t.Parallel()
	var f Frame
	f.Add(&poll.Ballot{Poll: "open", Voter: "ann"})
	f.Add(&poll.Ballot{Poll: "secret"})
	sealed, _ := f.Seal()
	if read := readBallots(t, sealed); read[1].Voter != "" {
		t.Fatalf("the ballot of a secret poll carries the voter %q", read[1].Voter)
	}
}

func TestAnyOutcomesComeBackAsTheyWere(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		index, clock := rapid.Uint64().Draw(t, "index"), rapid.Int64Range(0, 1<<48-1).Draw(t, "clock")
		want := make([]poll.Outcome, rapid.IntRange(0, 50).Draw(t, "outcomes"))
		for i := range want {
			o := &want[i]
			o.Kind = poll.Kind(rapid.IntRange(0, 3).Draw(t, "kind"))
			o.Receipt = poll.Receipt{Ballot: rapid.Uint32().Draw(t, "ballot"), Version: rapid.Uint32().Draw(t, "version"), Index: index, CastAt: clock}
			switch o.Kind {
			case poll.Counted:
				o.Receipt.Version = 1
			case poll.Replayed:
				o.Receipt.Index, o.Receipt.CastAt = rapid.Uint64().Draw(t, "at"), rapid.Int64Range(0, 1<<48-1).Draw(t, "cast at")
			case poll.Refused:
				o.Code = rapid.SampledFrom(refusal.Codes()).Draw(t, "code")
				o.Receipt = poll.Receipt{Version: o.Receipt.Version}
			case poll.Replaced:
			}
		}
		b := AppendOutcomes([]byte("x"), index, clock, want)[1:]
		at, got, err := DecodeOutcomes(b, len(want))
		if err != nil || at != index || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v at %d came back as %+v at %d: %v", want, index, got, at, err)
		}
		if _, _, err := DecodeOutcomes(b, len(want)+1); err == nil {
			t.Fatalf("one outcome too few was not noticed")
		}
	})
}

func TestAnyResultComesBackAsItWas(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(0, 20, 80)
		want := poll.Result{Poll: text.Draw(t, "poll"), Index: rapid.Uint64().Draw(t, "index"), Created: rapid.Bool().Draw(t, "created"), Replayed: rapid.Bool().Draw(t, "replayed")}
		if rapid.Bool().Draw(t, "refused") {
			want.Err = &refusal.Error{Code: rapid.SampledFrom(refusal.Codes()).Draw(t, "code"), Detail: text.Draw(t, "detail"), Version: rapid.Uint32().Draw(t, "version"), RetryAfter: rapid.Int64().Draw(t, "retry")}
			want.Err.Reason, want.Err.Subject = refusal.Reason(rapid.Uint8().Draw(t, "reason")), text.Draw(t, "subject")
			for range rapid.IntRange(0, 3).Draw(t, "fields") {
				want.Err.Fields = append(want.Err.Fields, refusal.FieldError{Field: text.Draw(t, "field"), Detail: text.Draw(t, "what")})
			}
		}
		if rapid.Bool().Draw(t, "of a roll") {
			n := rapid.Uint32()
			want.Roll = &poll.RollResult{Added: n.Draw(t, "added"), Changed: n.Draw(t, "changed"), Unchanged: n.Draw(t, "unchanged")}
			for range rapid.IntRange(0, 5).Draw(t, "lines") {
				want.Roll.Refused = append(want.Roll.Refused, poll.RollRefusal{Line: n.Draw(t, "line"), Code: rapid.SampledFrom(refusal.Codes()).Draw(t, "why")})
			}
		}
		if got, err := DecodeResult(EncodeResult(want)); err != nil || !reflect.DeepEqual(got, want) {
			t.Fatalf("%+v came back as %+v, %v", want, got, err)
		}
	})
}
