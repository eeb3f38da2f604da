package public

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"sync"

	"github.com/go-json-experiment/json"

	"voted/internal/web/chart"
	"voted/internal/web/frame"
)

// fragment is what has changed on a page, ready to be shown: a script puts texts into the elements that have their keys,
// and widths on bars. It makes nothing of it.
type fragment struct {
	Index uint64            `json:"index"`
	State string            `json:"state"`
	Shape string            `json:"shape"`
	Text  map[string]string `json:"text"`
	Width map[string]string `json:"width"`
	Say   string            `json:"say"` // for those who listen to the page
}

// fragment makes what changes on the page of a poll.
func (s *speaker) fragment(p *poll, r *results, view string) fragment {
	f := fragment{Index: r.Index, State: r.State, Shape: s.shape(r, view), Text: map[string]string{}, Width: map[string]string{}}
	st := &standing{}
	st.fill(s, p, r)
	f.Text["answer"], f.Text["entry"], f.Text["quorum"] = st.Answer, s.Number(r.Index), st.Quorum.Text
	sum := r.ledger()
	f.Text["ledger.voters"], f.Text["ledger.ballots"] = s.TextN("public.ledger.voters", sum.Voters), s.TextN("public.ledger.ballots", sum.Ballots)
	f.Text["ledger.twice"] = s.Text("public.ledger.twice", sum.Twice)
	for i, line := range st.Turnout {
		f.Text["turnout."+s.Number(i)] = line
	}
	f.Width["turnout"] = widthOfTurnout(r)
	for _, x := range s.options(r, false).Rows {
		f.Text["number."+x.ID] = x.Number
		f.Text["part."+x.ID] = x.Share
		f.Width[x.ID] = x.width
		for _, c := range x.Cells {
			f.Text[c.Live] = c.Text
		}
	}
	f.rounds(st.Rounds)
	if st.Scores != nil {
		for _, x := range st.Scores.Rows {
			for _, c := range x.Cells {
				f.Text[c.Live] = c.Text
			}
		}
	}
	f.Say = s.TextN("public.say", int(r.Ballots), st.Answer)
	return f
}

func (f *fragment) rounds(t *rounds) {
	if t == nil {
		return
	}
	for _, x := range t.Rows {
		for _, c := range x.Cells {
			if c.Live != "" {
				f.Text[c.Live], f.Text["share."+c.Live], f.Text["change."+c.Live] = c.Text, c.Share, c.Change
			}
		}
	}
	for _, c := range t.Inactive {
		f.Text[c.Live] = c.Text
	}
}

func shortHash(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:6])
}

// mustJSON is deterministic: equal values give equal text.
func mustJSON(v any) []byte {
	text, err := json.Marshal(v, json.Deterministic(true))
	if err != nil {
		panic("public: a fragment cannot be written: " + err.Error())
	}
	return text
}

// form is what a page of a poll is told: a fragment in one language, for one view. Its name names it within the poll,
// also if that is deleted and made again.
type form struct {
	name string
	s    *speaker
	poll poll
	view string
}

// form is the one that a request asks for. Only who may read the poll gets it.
func (m *Room) form(r *http.Request) (*form, error) {
	var p poll
	if _, err := m.ask(r, pathOf(r), &p); err != nil {
		return nil, err
	}
	words, view := frame.Words(r), r.URL.Query().Get("view")
	if !drawn(view) {
		view = viewBars // all of these change by texts and widths
	}
	l := look{poll: p}
	return &form{"standing " + p.CreatedAt.String() + " " + words.Code + " " + view, l.speaker(words), p, view}, nil
}

// of makes the fragment of results as the API answers them.
func (f *form) of(answer []byte) ([]byte, error) {
	var r results
	if err := json.Unmarshal(answer, &r); err != nil {
		return nil, err
	}
	return mustJSON(f.s.fragment(&f.poll, &r, f.view)), nil
}

// live serves the fragments as they come. The API decides who may see them, at which pace, and when the stream ends.
func (m *Room) live(w http.ResponseWriter, r *http.Request) error {
	f, err := m.form(r)
	if err != nil {
		return notThere(err)
	}
	call := frame.Call{Path: pathOf(r) + "/results/stream", Header: http.Header{}}
	if id := r.Header.Get("Last-Event-Id"); id != "" {
		call.Header.Set("Last-Event-Id", id)
	}
	return notThere(m.f.Pass(w, m.f.Rendered(r, f.name, f.of), call))
}

// once serves one fragment, for a page that gets no stream.
func (m *Room) once(w http.ResponseWriter, r *http.Request) error {
	call := frame.Call{Path: pathOf(r) + "/results", Header: http.Header{}}
	if tag := r.Header.Get("If-None-Match"); tag != "" {
		call.Header.Set("If-None-Match", tag)
	}
	a, err := m.f.Ask(r, call)
	if err != nil {
		return notThere(err)
	}
	header, tag := w.Header(), a.Header.Get("Etag")
	header.Set("Etag", tag) // of the results; the page asks for one language and view only
	if a.Status == http.StatusNotModified {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	f, err := m.form(r)
	if err != nil {
		return notThere(err)
	}
	body, err := m.singles.of(f.poll.ID+" "+f.name, tag, func() ([]byte, error) { return f.of(a.Body) })
	if err != nil {
		return err
	}
	header.Set("Content-Type", "application/json")
	_, _ = w.Write(body) // a browser that has gone away gets nothing
	return nil
}

// singles are the latest fragments of polls: pages that get no stream are the many that are too many for streams.
type singles struct {
	mu  sync.Mutex
	all map[string]single // by poll and form; guarded by mu
}

type single struct {
	tag  string // of the results that it is made of
	made func() ([]byte, error)
}

// maxSingles bounds what is kept. What is dropped is made again.
const maxSingles = 512

func (x *singles) of(key, tag string, make func() ([]byte, error)) ([]byte, error) {
	x.mu.Lock()
	one, kept := x.all[key]
	if one.tag != tag || !kept {
		for other := range x.all {
			if len(x.all) < maxSingles {
				break
			}
			delete(x.all, other)
		}
		one = single{tag, sync.OnceValues(make)}
		x.all[key] = one
	}
	x.mu.Unlock()
	return one.made()
}

func widthOfTurnout(r *results) string {
	return chart.Width(float64(r.Ballots), turnoutWhole(r))
}
