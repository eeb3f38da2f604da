package api

import (
	"bufio"
	"context"
	"encoding/csv"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/ballotjson"
	"voted/internal/ballottext"
	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/internal/tally"
)

// export serves what readers may see of the ballots that count, as of one log index: each
// of them, or how many hold each choice.
func (h *Handler) export(w *response, r *http.Request) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	f, err := chosenFormat(r, exportFormats)
	if err != nil {
		return err
	}
	capture, info, err := h.capture(w, r, id)
	if err != nil {
		return err
	}
	disclosed := info.Rules.Discloses()
	switch {
	case !info.Visible():
		return refusal.Of(refusal.ResultsHidden)
	case disclosed == poll.DiscloseProfile && info.Phase != poll.Closed:
		// Two profiles of a live poll with one voter between them would show that voter's
		// choice.
		return refusal.For(refusal.ProfileAfterClose)
	}
	e := newExporter(&capture)
	if r.URL.Query().Has("after") {
		return h.feed(w, r, f, e, &capture)
	}
	if r.URL.Query().Has("limit") {
		return malformed("limit goes with after; an export without it is of all ballots that count.")
	}
	var write func(context.Context, io.Writer, *poll.Capture) error
	switch {
	case f.mediaType != mediaNDJSON && f.mediaType != mediaCSV:
		return h.exportProfile(r.Context(), w, r.Method == http.MethodHead, f, &capture)
	case disclosed == poll.DiscloseProfile && f.mediaType == mediaCSV:
		write = e.writeProfileCSV
	case disclosed == poll.DiscloseProfile:
		write = e.writeProfileNDJSON
	case f.mediaType == mediaCSV:
		write = e.writeCSV
	default:
		write = e.writeNDJSON
	}
	w.Header().Add("Vary", "Accept")
	return h.download(w, r, f.mediaType, func(out io.Writer) error { return write(r.Context(), out, &capture) })
}

// download streams what write writes. What breaks off ends the connection: it must not end
// like a complete answer.
func (h *Handler) download(w *response, r *http.Request, mediaType string, write func(out io.Writer) error) error {
	beginExport(w, mediaType)
	if r.Method == http.MethodHead {
		return nil
	}
	out := bufio.NewWriterSize(&patient{w: w, control: http.NewResponseController(w)}, 64<<10)
	err := write(out)
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		h.log.Debug("export broke off", "request_id", w.id, "poll", pathVar(r, "poll"), "error", err)
		panic(http.ErrAbortHandler)
	}
	return nil
}

// beginExport writes the header of an export.
func beginExport(w *response, mediaType string) {
	header := w.Header()
	header.Set("Content-Type", mediaType)
	header["Cache-Control"] = noStore
	w.WriteHeader(http.StatusOK)
}

// capture takes the poll's ballots after a linearizable read.
func (h *Handler) capture(w *response, r *http.Request, id string) (c poll.Capture, info poll.Info, err error) {
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if err := h.sync(ctx); err != nil {
		return c, info, err
	}
	var refused *refusal.Error
	h.cluster.Read(func(s *poll.State) {
		c, info, refused = s.Capture(id)
		w.index = s.Index()
	})
	if refused != nil {
		return c, info, refused
	}
	return c, info, nil
}

// patient gives the client new time for each buffer: an export may take long, but a
// client that has stopped reading must not hold it forever.
type patient struct {
	w       *response
	control *http.ResponseController
}

func (p *patient) Write(b []byte) (int, error) {
	_ = p.control.SetWriteDeadline(time.Now().Add(writeTimeout)) // recorders in tests have none
	return p.w.Write(b)
}

// exporter writes the ballots of one poll.
type exporter struct {
	rules *poll.Rules
	// rendered keeps rendered selections: most ballots share few.
	rendered map[string]string
}

func newExporter(c *poll.Capture) *exporter {
	return &exporter{rules: c.Rules(), rendered: map[string]string{}}
}

// secret reports whether an export must not show when a ballot was cast: a person may
// know when its voter voted.
func (e *exporter) secret() bool { return e.rules.Secrecy != poll.Open }

// each calls write with each ballot and its selections as render shows them.
func (e *exporter) each(ctx context.Context, c *poll.Capture, render func(poll.Marks) string, write func(b *poll.Cast, selections string) error) error {
	ballots := c.Current()
	if e.secret() {
		ballots = c.CurrentByKey()
	}
	for b := range ballots {
		if err := ctx.Err(); err != nil {
			return err
		}
		selections, err := e.render(b.Selections, render)
		if err != nil {
			return err
		}
		if err := write(&b, selections); err != nil {
			return err
		}
	}
	return nil
}

// render returns selections as f shows them, which must be the same f each time.
func (e *exporter) render(selections []byte, f func(poll.Marks) string) (string, error) {
	if text, ok := e.rendered[string(selections)]; ok {
		return text, nil
	}
	marks, err := e.rules.Marks(selections)
	if err != nil {
		return "", err
	}
	text := f(marks)
	if len(e.rendered) < maxRenderedSelections {
		e.rendered[string(selections)] = text
	}
	return text, nil
}

func (e *exporter) writeNDJSON(ctx context.Context, out io.Writer, c *poll.Capture) error {
	var line []byte
	return e.each(ctx, c, e.marksJSON, func(b *poll.Cast, selections string) error {
		line = append(e.appendCast(line[:0], b, selections), '}', '\n')
		_, err := out.Write(line)
		return err
	})
}

// appendCast appends a ballot as an object without its end.
func (e *exporter) appendCast(line []byte, b *poll.Cast, selections string) []byte {
	line = append(line, `{"ballot":`...)
	line = strconv.AppendUint(line, uint64(b.Ballot), 10)
	if e.secret() {
		line = append(line, `,"voter_key":"`...)
		line = append(line, b.Key.String()...)
		line = append(line, '"')
	} else {
		line = append(line, `,"voter":`...)
		line, _ = jsontext.AppendQuote(line, b.Voter)
	}
	line = append(line, `,"`+ballotjson.FieldOf(e.rules.Form())+`":`...)
	line = append(line, selections...)
	line = append(line, `,"version":`...)
	line = strconv.AppendUint(line, uint64(b.Version), 10)
	if !e.secret() {
		line = append(line, `,"index":`...)
		line = strconv.AppendUint(line, b.Index, 10)
		line = append(line, `,"cast_at":"`...)
		line = appendTime(line, b.CastAt)
		line = append(line, '"')
	}
	if e.rules.Eligibility == poll.OnRoll {
		line = append(line, `,"weight":`...)
		line = strconv.AppendUint(line, uint64(b.Weight), 10)
	}
	return line
}

// marksJSON writes what a voter put on the ballot as clients write it. Option
// ids need no escapes.
func (e *exporter) marksJSON(m poll.Marks) string {
	switch e.rules.Form() {
	case tally.Ranking:
		tiers := make([]string, len(m.Ranking))
		for i, tier := range m.Ranking {
			switch tiers[i] = quoted(tier); len(tier) {
			case 0:
				tiers[i] = "null"
			case 1:
			default:
				tiers[i] = "[" + tiers[i] + "]"
			}
		}
		return "[" + strings.Join(tiers, ",") + "]"
	case tally.Scores:
		pairs := make([]string, len(m.Scores))
		for i, s := range m.Scores {
			pairs[i] = `"` + s.Option + `":` + strconv.Itoa(s.Points)
		}
		return "{" + strings.Join(pairs, ",") + "}"
	case tally.Choice:
	}
	return "[" + quoted(m.Selections) + "]"
}

func quoted(ids []string) string {
	if len(ids) == 0 {
		return ""
	}
	return `"` + strings.Join(ids, `","`) + `"`
}

// writeCSV writes a header and one row per ballot. Option ids hold none of the
// separators: "ann;bo" are selections, "bo>ann=cy" ranks bo before ann and cy, who are
// tied, "ann=5;bo=0" are scores.
func (e *exporter) writeCSV(ctx context.Context, out io.Writer, c *poll.Capture) error {
	rows := csv.NewWriter(out)
	titles := []string{"ballot", "voter_key", ballotjson.FieldOf(e.rules.Form()), "version"}
	if !e.secret() {
		titles = []string{"ballot", "voter", ballotjson.FieldOf(e.rules.Form()), "version", "index", "cast_at"}
	}
	weighted := e.rules.Eligibility == poll.OnRoll
	if weighted {
		titles = append(titles, "weight")
	}
	if err := rows.Write(titles); err != nil {
		return err
	}
	row := make([]string, 0, len(titles))
	err := e.each(ctx, c, e.marksText, func(b *poll.Cast, selections string) error {
		number, version := strconv.FormatUint(uint64(b.Ballot), 10), strconv.FormatUint(uint64(b.Version), 10)
		if e.secret() {
			row = append(row[:0], number, b.Key.String(), selections, version)
		} else {
			row = append(row[:0], number, b.Voter, selections, version, strconv.FormatUint(b.Index, 10), string(appendTime(nil, b.CastAt)))
		}
		if weighted {
			row = append(row, strconv.FormatUint(uint64(b.Weight), 10))
		}
		return rows.Write(row)
	})
	rows.Flush()
	if err == nil {
		err = rows.Error()
	}
	return err
}

func (e *exporter) marksText(m poll.Marks) string { return ballottext.Write(e.rules.Form(), m) }
