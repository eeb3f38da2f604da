package cvr

import (
	"bufio"
	"errors"
	"io"
	"strings"

	"voted/internal/poll"
	"voted/internal/profile"
	"voted/internal/tally"
	"voted/internal/textfile"
)

// ContestsError says that a report has several contests, and that none of them was named.
type ContestsError struct{ Contests []string }

func (e *ContestsError) Error() string {
	return "the report has several contests; name one of " + strings.Join(e.Contests, ", ")
}

// Read reads a whole report, and of it the contest with this id or name; if that is empty,
// the only contest. If told is false, the report decides the form: by the variation that
// the contest names, or else by the marks. A *textfile.Fault says what is wrong, and where;
// a *ContestsError says that the contest must be named; other errors are the reader's own.
func Read(from io.Reader, contest string, form tally.Form, told bool) (*profile.Profile, error) {
	in := bufio.NewReaderSize(from, 1<<16)
	if head, _ := in.Peek(3); string(head) == "\uFEFF" {
		_, _ = in.Discard(3) // it was just read ahead
	}
	r := &reader{walker: newWalker(in), selections: map[string]int{}, boxes: map[string]*box{}}
	if err := r.report(); err != nil {
		return nil, r.explain(err)
	}
	c, err := r.choose(contest)
	if err != nil {
		return nil, err
	}
	return r.profile(c, form, told)
}

type reader struct {
	*walker
	contests   []contest
	candidates map[string]candidate
	selections map[string]int // the number of each id of a selection in the records
	firsts     []textfile.Fault
	boxes      map[string]*box // by contest
	snapshots  []snapshot      // of the record that is being read
	used       int             // of snapshots
}

// box holds the records of a contest, before it is known what they mean.
type box struct {
	// ballots has scores for pairs of a selection and a rank: see pair.
	ballots profile.Collector
	ranked  bool // a mark has a rank
	scored  bool // a mark has another number of votes than 1
}

const ranks = poll.MaxOptions + 1 // 0 is none

// pair is the number of a selection at a rank.
func pair(selection, rank int) int { return selection*ranks + rank }

type mark struct{ selection, rank, votes int }

// ballot is what a snapshot has of one contest.
type ballot struct {
	contest string
	marks   []mark
}

type snapshot struct {
	id, kind string
	ballots  []ballot
	used     int // of ballots
}

// kindOf removes the prefix of a type.
func kindOf(name string) string { return strings.TrimPrefix(name, "CVR.") }

func (r *reader) report() error {
	kind, version := "", ""
	err := r.object("a report of cast vote records", func(name string) error {
		switch name {
		case "@type":
			return r.text(name, &kind)
		case "Version":
			return r.text(name, &version)
		case "Election":
			return r.array("elections", r.election)
		case "CVR":
			return r.array("records", r.record)
		}
		return r.json.SkipValue()
	})
	switch {
	case err != nil:
		return err
	case kindOf(kind) != "CastVoteRecordReport":
		return r.wrong("the type of the report is %.64q, and should be CVR.CastVoteRecordReport", kind)
	case version != "1.0.0":
		return r.wrong("the report is of version %.32q of the format; only 1.0.0 is known", version)
	}
	if _, err := r.json.ReadToken(); !errors.Is(err, io.EOF) {
		return r.wrong("something stands behind the report; is this two files in one?")
	}
	return nil
}

// record reads a cast vote record, and keeps what counts of it.
func (r *reader) record() error {
	current := ""
	r.used = 0
	err := r.object("a cast vote record", func(name string) error {
		switch name {
		case "CurrentSnapshotId":
			return r.text(name, &current)
		case "CVRSnapshot":
			return r.array("snapshots", r.snapshot)
		}
		return r.json.SkipValue()
	})
	if err != nil {
		return err
	}
	s, err := r.counts(current)
	if err != nil {
		return err
	}
	for i := range s.ballots[:s.used] {
		if err := r.keep(&s.ballots[i]); err != nil {
			return err
		}
	}
	return nil
}

// counts returns the snapshot that counts.
func (r *reader) counts(current string) (*snapshot, error) {
	interpreted, original, found := 0, -1, -1
	for i := range r.snapshots[:r.used] {
		s := &r.snapshots[i]
		if s.kind == "interpreted" {
			interpreted++
		}
		if s.kind == "original" {
			original = i
		}
		if s.id == current {
			found = i
		}
	}
	if interpreted > 1 && original >= 0 { // rounds of a count
		found = original
	}
	if found < 0 && current == "" && r.used == 1 {
		found = 0
	}
	if found < 0 {
		return nil, r.wrong("the record has no snapshot %.64q, which should be the current one", current)
	}
	return &r.snapshots[found], nil
}

func (r *reader) keep(b *ballot) error {
	to := r.boxes[b.contest]
	if to == nil {
		to = &box{ballots: profile.Collector{Form: tally.Scores}}
		r.boxes[b.contest] = to
	}
	for _, m := range b.marks {
		to.ballots.Score(pair(m.selection, m.rank), m.votes)
		to.ranked = to.ranked || m.rank > 0
		to.scored = to.scored || m.votes != 1
	}
	err := to.ballots.Add(1)
	var twice *profile.TwiceError
	if errors.As(err, &twice) {
		return r.wrong("the record marks one selection twice at the same rank; keep one of the marks")
	}
	if err != nil {
		return r.wrong("%s", err)
	}
	return nil
}

func (r *reader) snapshot() error {
	if r.used == len(r.snapshots) {
		r.snapshots = append(r.snapshots, snapshot{})
	}
	s := &r.snapshots[r.used]
	r.used++
	s.id, s.kind, s.used = "", "", 0
	return r.object("a snapshot", func(name string) error {
		switch name {
		case "@id":
			return r.text(name, &s.id)
		case "Type":
			return r.text(name, &s.kind)
		case "CVRContest":
			return r.array("contests", func() error { return r.ballot(s) })
		}
		return r.json.SkipValue()
	})
}

func (r *reader) ballot(s *snapshot) error {
	if s.used == len(s.ballots) {
		s.ballots = append(s.ballots, ballot{})
	}
	b := &s.ballots[s.used]
	s.used++
	b.contest, b.marks = "", b.marks[:0]
	err := r.object("what a record has of a contest", func(name string) error {
		switch name {
		case "ContestId":
			return r.text(name, &b.contest)
		case "CVRContestSelection":
			return r.array("selections", func() error { return r.selection(b) })
		}
		return r.json.SkipValue()
	})
	if err == nil && b.contest == "" {
		err = r.wrong("ContestId is missing")
	}
	return err
}

// selection reads the marks for a selection. The rank stands with the selection, or with
// each of its marks.
func (r *reader) selection(b *ballot) error {
	id, rank, first, adjudicate := "", 0, len(b.marks), false
	err := r.object("a selection", func(name string) error {
		switch name {
		case "ContestSelectionId":
			return r.text(name, &id)
		case "Rank":
			return r.number(name, 1, poll.MaxOptions, &rank)
		case "SelectionPosition":
			return r.array("marks", func() error { return r.mark(b) })
		case "Status":
			return r.array("states", func() error {
				status := ""
				err := r.text(name, &status)
				adjudicate = adjudicate || status == "needs-adjudication"
				return err
			})
		}
		return r.json.SkipValue()
	})
	if err != nil {
		return err
	}
	switch {
	case id == "":
		return r.wrong("ContestSelectionId is missing")
	case adjudicate:
		return r.wrong("a mark for %.64q needs adjudication; take the report that was made after it", id)
	}
	n, known := r.selections[id]
	if !known {
		n = len(r.selections)
		r.selections[id] = n
		r.firsts = append(r.firsts, *r.places.fault(r.json.InputOffset(), ""))
	}
	for i := first; i < len(b.marks); i++ {
		b.marks[i].selection = n
		if b.marks[i].rank == 0 {
			b.marks[i].rank = rank
		}
	}
	return nil
}

// mark reads a mark; one that is no indication, or that is not to count, is left out.
func (r *reader) mark(b *ballot) error {
	m := mark{votes: 1}
	indicated, allocable := "yes", "yes"
	err := r.object("a mark", func(name string) error {
		switch name {
		case "HasIndication":
			return r.text(name, &indicated)
		case "IsAllocable":
			return r.text(name, &allocable)
		case "NumberVotes":
			return r.number(name, 0, poll.MaxScore, &m.votes)
		case "Rank":
			return r.number(name, 1, poll.MaxOptions, &m.rank)
		case "FractionalVotes":
			return r.other("a part of a vote cannot be counted")
		}
		return r.json.SkipValue()
	})
	if err == nil && indicated != "no" && allocable != "no" {
		b.marks = append(b.marks, m)
	}
	return err
}
