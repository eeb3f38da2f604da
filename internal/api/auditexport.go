package api

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"io"
	"net/http"
	"strconv"

	"github.com/go-json-experiment/json/jsontext"

	"voted/internal/ballotjson"
	"voted/internal/poll"
	"voted/internal/refusal"
	"voted/proof"
)

// exportAudit serves a poll's whole log with what opens the ballots that count, as of one
// log index, for auditors.
func (h *Handler) exportAudit(w *response, r *http.Request) error {
	id, err := pollID(r)
	if err != nil {
		return err
	}
	capture, info, err := h.capture(w, r, id)
	if err != nil {
		return err
	}
	if !info.Visible() {
		return refusal.Of(refusal.ResultsHidden)
	}
	e := newExporter(&capture)
	return h.download(w, r, mediaNDJSON, func(out io.Writer) error { return e.writeAudit(r.Context(), out, &capture) })
}

// writeAudit writes an object a line:
//
//   - first leaf 0, and the definition that it stands for;
//   - then each record, in the order of the box: one that counts with its choice and what
//     opens its seal, in an open poll with its voter and what opens their key, and one that was
//     superseded with its seal alone;
//   - then who may vote or has voted, where the poll has a roll;
//   - last the closing entry, if the poll has closed.
func (e *exporter) writeAudit(ctx context.Context, out io.Writer, c *poll.Capture) error {
	send := func(line []byte) error {
		_, err := out.Write(append(line, "}\n"...))
		return err
	}
	var line []byte
	for entry := range c.Leaves(0, 1) {
		line = appendBytes(append(line, `{"entry":`...), base64.StdEncoding.EncodeToString(entry))
	}
	line = appendBytes(append(line, `,"definition":`...), base64.StdEncoding.EncodeToString(e.rules.AppendLogged(nil)))
	if err := send(line); err != nil {
		return err
	}
	for a := range c.Audit() {
		if err := ctx.Err(); err != nil {
			return err
		}
		var err error
		if line, err = e.appendAudited(line[:0], &a); err != nil {
			return err
		}
		if err := send(line); err != nil {
			return err
		}
	}
	for _, l := range c.Roll() {
		line = appendBytes(append(line[:0], `{"eligible":`...), l.Key.String())
		line = strconv.AppendUint(append(line, `,"weight":`...), uint64(l.Weight), 10)
		if err := send(line); err != nil {
			return err
		}
	}
	if !c.Closed() {
		return nil
	}
	closing := c.Closing().Append(nil)
	return send(appendBytes(append(line[:0], `{"closing":`...), base64.StdEncoding.EncodeToString(closing)))
}

// appendAudited appends a record, without the brace that ends it.
func (e *exporter) appendAudited(line []byte, a *poll.Audited) ([]byte, error) {
	line = strconv.AppendUint(append(line, `{"ballot":`...), uint64(a.Ballot), 10)
	line = appendBytes(append(line, `,"voter_key":`...), a.Key.String())
	line = strconv.AppendUint(append(line, `,"supersedes":`...), uint64(a.Entry.Supersedes), 10)
	if !a.Counts {
		return appendBytes(append(line, `,"seal":`...), hex.EncodeToString(a.Entry.Seal[:])), nil
	}
	selections, err := e.render(a.Selections, e.marksJSON)
	if err != nil {
		return nil, err
	}
	if a.Voter != "" {
		line, _ = jsontext.AppendQuote(append(line, `,"voter":`...), a.Voter)
		nonce := proof.VoterNonce(e.rules.Salt, a.Voter)
		line = appendBytes(append(line, `,"key_nonce":`...), hex.EncodeToString(nonce[:]))
	}
	line = append(append(line, `,"`+ballotjson.FieldOf(e.rules.Form())+`":`...), selections...)
	line = strconv.AppendUint(append(line, `,"version":`...), uint64(a.Version), 10)
	line = strconv.AppendUint(append(line, `,"index":`...), a.Index, 10)
	line = append(appendTime(append(line, `,"cast_at":"`...), a.CastAt), '"')
	line = appendBytes(append(line, `,"nonce":`...), hex.EncodeToString(a.Opening.Nonce[:]))
	line = appendBytes(append(line, `,"sealed":`...), hex.EncodeToString(a.Selections))
	if e.rules.Eligibility == poll.OnRoll {
		line = strconv.AppendUint(append(line, `,"weight":`...), uint64(a.Weight), 10)
	}
	return line, nil
}

// appendBytes appends a string that needs no escapes, such as bytes in hexadecimal.
func appendBytes(line []byte, text string) []byte {
	return append(append(append(line, '"'), text...), '"')
}
