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

	"voted/internal/poll"
	"voted/internal/tally"
)

// export serves every ballot that counts, as of one log index.
func (h *Handler) export(w *response, r *http.Request) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	mediaType, err := exportType(r)
	if err != nil {
		return err
	}
	capture, err := h.capture(w, r, id)
	if err != nil {
		return err
	}
	header := w.Header()
	header.Set("Content-Type", mediaType)
	header["Cache-Control"] = noStore
	header.Set("Vary", "Accept")
	w.WriteHeader(http.StatusOK)
	if r.Method == http.MethodHead {
		return nil
	}
	e := &exporter{rules: capture.Rules(), rendered: map[string]string{}}
	out := bufio.NewWriterSize(&patient{w: w, control: http.NewResponseController(w)}, 64<<10)
	if mediaType == mediaCSV {
		err = e.writeCSV(r.Context(), out, &capture)
	} else {
		err = e.writeNDJSON(r.Context(), out, &capture)
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		h.log.Debug("export broke off", "request_id", w.id, "poll", id, "error", err)
		// A shortened export must not end like a complete one.
		panic(http.ErrAbortHandler)
	}
	return nil
}

// exportType chooses the format: ?format= before Accept.
func exportType(r *http.Request) (string, error) {
	switch r.URL.Query().Get("format") {
	case "":
		return negotiate(r, mediaNDJSON, mediaCSV)
	case "ndjson":
		return mediaNDJSON, nil
	case "csv":
		return mediaCSV, nil
	case "cvr", "preflib":
		return "", poll.Refuse(poll.CodeNotAcceptable, "This node exports ndjson and csv.")
	}
	return "", malformed("format must be ndjson, csv, cvr or preflib.")
}

// capture takes the poll's ballots after a linearizable read.
func (h *Handler) capture(w *response, r *http.Request, id string) (c poll.Capture, err error) {
	ctx, cancel := h.deadline(w, r)
	defer cancel()
	if err := h.sync(ctx); err != nil {
		return c, err
	}
	var info poll.Info
	var refusal *poll.Error
	h.cluster.Read(func(s *poll.State) {
		c, info, refusal = s.Capture(id)
		w.index = s.Index()
	})
	if refusal != nil {
		return c, refusal
	}
	if !info.Visible() {
		return c, hidden(id)
	}
	return c, nil
}

// patient gives the client new time for each buffer: an export may take long,
// but a client that has stopped reading must not hold it for ever.
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
	// rendered remembers what selections look like: most ballots share few.
	rendered map[string]string
}

// each calls write with each ballot and its selections as render shows them.
func (e *exporter) each(ctx context.Context, c *poll.Capture, render func(poll.Marks) string, write func(b *poll.Cast, selections string) error) error {
	for b := range c.Current() {
		if err := ctx.Err(); err != nil {
			return err
		}
		selections, ok := e.rendered[string(b.Selections)]
		if !ok {
			marks, err := e.rules.Marks(b.Selections)
			if err != nil {
				return err
			}
			selections = render(marks)
			if len(e.rendered) < maxRenderedSelections {
				e.rendered[string(b.Selections)] = selections
			}
		}
		if err := write(&b, selections); err != nil {
			return err
		}
	}
	return nil
}

func (e *exporter) writeNDJSON(ctx context.Context, out io.Writer, c *poll.Capture) error {
	var line []byte
	return e.each(ctx, c, e.marksJSON, func(b *poll.Cast, selections string) error {
		line = append(line[:0], `{"ballot":`...)
		line = strconv.AppendUint(line, uint64(b.Ballot), 10)
		if e.rules.Secrecy == poll.Open {
			line = append(line, `,"voter":`...)
			line, _ = jsontext.AppendQuote(line, b.Voter)
		} else {
			line = append(line, `,"voter_key":"`...)
			line = append(line, b.Key.String()...)
			line = append(line, '"')
		}
		line = append(line, `,"`+fieldOf(e.rules.Form())+`":`...)
		line = append(line, selections...)
		line = append(line, `,"version":`...)
		line = strconv.AppendUint(line, uint64(b.Version), 10)
		line = append(line, `,"index":`...)
		line = strconv.AppendUint(line, b.Index, 10)
		line = append(line, `,"cast_at":"`...)
		line = appendTime(line, b.CastAt)
		line = append(line, '"')
		if e.rules.Eligibility == poll.OnRoll {
			line = append(line, `,"weight":`...)
			line = strconv.AppendUint(line, uint64(b.Weight), 10)
		}
		line = append(line, '}', '\n')
		_, err := out.Write(line)
		return err
	})
}

// marksJSON writes what a voter put on the ballot as clients write it. Option
// ids need no escapes.
func (e *exporter) marksJSON(m poll.Marks) string {
	switch e.rules.Form() {
	case tally.Ranking:
		tiers := make([]string, len(m.Ranking))
		for i, tier := range m.Ranking {
			if tiers[i] = quoted(tier); len(tier) > 1 {
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

// writeCSV writes a header and a row a ballot. Option ids hold none of the
// separators: "ann;bo" are selections, "bo>ann=cy" ranks bo before ann and cy,
// who are tied, "ann=5;bo=0" are scores.
func (e *exporter) writeCSV(ctx context.Context, out io.Writer, c *poll.Capture) error {
	rows := csv.NewWriter(out)
	who := "voter_key"
	if e.rules.Secrecy == poll.Open {
		who = "voter"
	}
	titles := []string{"ballot", who, fieldOf(e.rules.Form()), "version", "index", "cast_at"}
	weighted := e.rules.Eligibility == poll.OnRoll
	if weighted {
		titles = append(titles, "weight")
	}
	if err := rows.Write(titles); err != nil {
		return err
	}
	row := make([]string, len(titles))
	err := e.each(ctx, c, e.marksText, func(b *poll.Cast, selections string) error {
		row[0] = strconv.FormatUint(uint64(b.Ballot), 10)
		row[1] = b.Voter
		if e.rules.Secrecy != poll.Open {
			row[1] = b.Key.String()
		}
		row[2] = selections
		row[3] = strconv.FormatUint(uint64(b.Version), 10)
		row[4] = strconv.FormatUint(b.Index, 10)
		row[5] = string(appendTime(nil, b.CastAt))
		if weighted {
			row[6] = strconv.FormatUint(uint64(b.Weight), 10)
		}
		return rows.Write(row)
	})
	rows.Flush()
	if err == nil {
		err = rows.Error()
	}
	return err
}

func (e *exporter) marksText(m poll.Marks) string {
	switch e.rules.Form() {
	case tally.Ranking:
		tiers := make([]string, len(m.Ranking))
		for i, tier := range m.Ranking {
			tiers[i] = strings.Join(tier, "=")
		}
		return strings.Join(tiers, ">")
	case tally.Scores:
		pairs := make([]string, len(m.Scores))
		for i, s := range m.Scores {
			pairs[i] = s.Option + "=" + strconv.Itoa(s.Points)
		}
		return strings.Join(pairs, ";")
	case tally.Choice:
	}
	return strings.Join(m.Selections, ";")
}
