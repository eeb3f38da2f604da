package api

import (
	"context"
	"io"
	"math"
	"net/http"
	"strconv"

	"voted/internal/poll"
	"voted/internal/refusal"
)

// feed serves the records of a box after one of them, in its order, as of one log index:
// those too that later ones replace, so that who keeps the number of the last line misses
// nothing. It shows of each record what the export shows at that index: of a replaced one
// in a secret poll only its number.
func (h *Handler) feed(w *response, r *http.Request, f format, e *exporter, c *poll.Capture) error {
	after, limit, err := readFeedQuery(r)
	switch {
	case err != nil:
		return err
	case f.mediaType != mediaNDJSON:
		return refusal.New(refusal.NotAcceptable, "Ballots after a number come as %s.", mediaNDJSON)
	case e.rules.Discloses() == poll.DiscloseProfile:
		return refusal.For(refusal.ProfileOnly)
	case after > c.Records():
		gone := refusal.New(refusal.EventsGone, "The box has %d records, and you have seen more: a backup from before was restored. Begin with after=0.", c.Records())
		gone.Newest = uint64(c.Records())
		return gone
	}
	w.Header().Add("Vary", "Accept")
	return h.download(w, r, f.mediaType, func(out io.Writer) error { return e.writeFeed(r.Context(), out, c, after, limit) })
}

// readFeedQuery reads after which record to begin, and how many to send.
func readFeedQuery(r *http.Request) (after uint32, limit uint64, err error) {
	v := r.URL.Query()
	n, err := strconv.ParseUint(v.Get("after"), 10, 32)
	if err != nil {
		return 0, 0, malformed(`after must be the number of a ballot, as in "ballot" of the last line; 0 to begin.`)
	}
	limit = math.MaxUint64
	if v.Has("limit") {
		if limit, err = strconv.ParseUint(v.Get("limit"), 10, 32); err != nil || limit < 1 {
			return 0, 0, malformed("limit must be a whole number of ballots, 1 or more.")
		}
	}
	return uint32(n), limit, nil
}

func (e *exporter) writeFeed(ctx context.Context, out io.Writer, c *poll.Capture, after uint32, limit uint64) error {
	replaced := func(uint32) bool { return false }
	if e.secret() {
		replaced = c.Replaced(after + 1)
	}
	var line []byte
	for b := range c.From(after + 1) {
		if limit == 0 {
			return nil
		}
		limit--
		if err := ctx.Err(); err != nil {
			return err
		}
		if replaced(b.Ballot) {
			line = append(strconv.AppendUint(append(line[:0], `{"ballot":`...), uint64(b.Ballot), 10), `,"replaced":true}`...)
		} else {
			selections, err := e.render(b.Selections, e.marksJSON)
			if err != nil {
				return err
			}
			line = e.appendCast(line[:0], &b, selections)
			if b.Supersedes != 0 {
				line = strconv.AppendUint(append(line, `,"supersedes":`...), uint64(b.Supersedes), 10)
			}
			line = append(line, '}')
		}
		if _, err := out.Write(append(line, '\n')); err != nil {
			return err
		}
	}
	return nil
}
