package public

import (
	"bytes"
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
	f := fragment{Index: r.Index, State: r.State, Shape: r.shape(view), Text: map[string]string{}, Width: map[string]string{}}
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
	header := w.Header()
	header.Set("Etag", a.Header.Get("Etag")) // of the results; the page asks for one language and view only
	if a.Status == http.StatusNotModified {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	e, err := m.encoder(r)
	if err != nil {
		return notThere(err)
	}
	body, err := e.encode(a.Header.Get("Etag"), a.Body)
	if err != nil {
		return err
	}
	header.Set("Content-Type", "application/json")
	_, _ = w.Write(body) // a browser that has gone away gets nothing
	return nil
}

// live serves the fragments as they come. The API decides who may see them, at which pace, and when the stream ends; what
// comes through is encoded once for all who see it in one language.
func (m *Room) live(w http.ResponseWriter, r *http.Request) error {
	e, err := m.encoder(r)
	if err != nil {
		return notThere(err)
	}
	call := frame.Call{Path: pathOf(r) + "/results/stream", Header: http.Header{}}
	if id := r.Header.Get("Last-Event-Id"); id != "" {
		call.Header.Set("Last-Event-Id", id)
	}
	return notThere(m.f.Pass(&translator{ResponseWriter: w, e: e}, r, call))
}

// encoder is the encoding of the poll in the language and for the view of a request. Only who may read the poll gets it.
func (m *Room) encoder(r *http.Request) (*encoding, error) {
	var p poll
	if _, err := m.ask(r, pathOf(r), &p); err != nil {
		return nil, err
	}
	words, view := frame.Words(r), r.URL.Query().Get("view")
	if !drawn(view) {
		view = viewBars // all of these change by texts and widths
	}
	l := look{poll: p}
	return m.encoded.of(p.ID+" "+p.CreatedAt.String()+" "+words.Code+" "+view, func() *encoding { return &encoding{s: l.speaker(words), poll: p, view: view} }), nil
}

// encodings are the latest fragments of polls.
type encodings struct {
	mu  sync.Mutex
	all map[string]*encoding // by poll, language and view; guarded by mu
}

// maxEncodings bounds what is kept. What is dropped is made again.
const maxEncodings = 512

func (x *encodings) of(key string, make func() *encoding) *encoding {
	x.mu.Lock()
	defer x.mu.Unlock()
	e := x.all[key]
	if e == nil {
		for other := range x.all {
			if len(x.all) < maxEncodings {
				break
			}
			delete(x.all, other)
		}
		e = make()
		x.all[key] = e
	}
	return e
}

// encoding makes fragments of one poll, each once.
type encoding struct {
	s    *speaker
	poll poll
	view string

	mu   sync.Mutex
	id   string // of the results that latest was made of; guarded by mu
	made []byte // guarded by mu; never changed
}

// encode makes the fragment of results. id names them: those with the same id are the same.
func (e *encoding) encode(id string, answer []byte) ([]byte, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.id == id && id != "" {
		return e.made, nil
	}
	var r results
	if err := json.Unmarshal(answer, &r); err != nil {
		return nil, err
	}
	e.id, e.made = id, mustJSON(e.s.fragment(&e.poll, &r, e.view))
	return e.made, nil
}

// translator passes a stream of results on, with fragments in their place.
type translator struct {
	http.ResponseWriter
	e    *encoding
	part []byte // of an event that has not ended yet
}

// Unwrap lets http.ResponseController find the connection.
func (t *translator) Unwrap() http.ResponseWriter { return t.ResponseWriter }

// Write implements http.ResponseWriter.
func (t *translator) Write(b []byte) (int, error) {
	t.part = append(t.part, b...)
	for {
		end := bytes.Index(t.part, []byte("\n\n"))
		if end < 0 {
			return len(b), nil
		}
		event, err := t.translated(t.part[:end+2])
		if err != nil {
			return 0, err
		}
		if _, err := t.ResponseWriter.Write(event); err != nil {
			return 0, err
		}
		t.part = append(t.part[:0], t.part[end+2:]...)
	}
}

var resultsEvent = []byte("event: results\n")

// translated is an event as the page gets it. Events that it does not know go through as they are.
func (t *translator) translated(event []byte) ([]byte, error) {
	if !bytes.HasPrefix(event, resultsEvent) {
		return event, nil
	}
	id, data := field(event, "id: "), field(event, "data: ")
	made, err := t.e.encode(string(id), data)
	if err != nil {
		return nil, err
	}
	out := append([]byte("event: standing\nid: "), id...)
	out = append(append(out, "\ndata: "...), made...)
	return append(out, "\n\n"...), nil
}

// field is the value of a line of an event.
func field(event []byte, name string) []byte {
	for line := range bytes.SplitSeq(event, []byte("\n")) {
		if value, ok := bytes.CutPrefix(line, []byte(name)); ok {
			return value
		}
	}
	return nil
}

func widthOfTurnout(r *results) string {
	return chart.Width(float64(r.Ballots), turnoutWhole(r))
}
