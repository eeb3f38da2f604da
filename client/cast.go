package client

import (
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Cast casts a voter's first ballot in a poll. It may be called again with the same
// ballot, at any time and through any client: it then returns the first receipt, with
// the outcome Replayed. Another ballot is refused with CodeAlreadyVoted; see Replace.
//
// Voter ids are compared in Unicode NFC, here and in all methods: different encodings
// of a name are one voter, and the receipt has the NFC form. An invalid id is refused
// with CodeInvalidVoter, which names the place, before anything is sent.
func (c *Client) Cast(ctx context.Context, poll, voter string, b Ballot) (Receipt, error) {
	return c.put(ctx, poll, voter, b, 0)
}

// Replace replaces version n of a voter's ballot, in a poll that allows it. The same
// replacement again is replayed. If another version is current, it is refused with
// CodeVersionMismatch or CodeSuperseded.
func (c *Client) Replace(ctx context.Context, poll, voter string, b Ballot, version uint64) (Receipt, error) {
	if version == 0 {
		return Receipt{}, refused(CodeMalformedRequest, "versions start at 1; cast the first ballot with Cast")
	}
	return c.put(ctx, poll, voter, b, version)
}

func (c *Client) put(ctx context.Context, poll, voter string, b Ballot, version uint64) (Receipt, error) {
	if err := b.check(); err != nil {
		return Receipt{}, err
	}
	voter, err := canonical(voter)
	if err != nil {
		return Receipt{}, err
	}
	into := receiptInto{poll: poll, voter: voter, keep: c.keepReceipts}
	k := call{method: http.MethodPut, write: true, into: &into}
	if err := k.route("/v1/polls/", poll, "/ballots/", voter); err != nil {
		return Receipt{}, err
	}
	k.body = append(b.appendMember(append(make([]byte, 0, 64), '{')), '}')
	k.header = c.castHeaders(ctx, version)
	meta, err := c.do(ctx, &k)
	if err != nil {
		return Receipt{Meta: meta}, err
	}
	into.Meta = meta
	if len(c.promises) > 0 {
		if err := c.checkPromise(into.Receipt, poll, voter); err != nil {
			return into.Receipt, &PromiseError{into.Receipt, err}
		}
	}
	if len(c.policies) > 0 {
		return c.proven(ctx, into.Receipt, poll, voter, b)
	}
	return into.Receipt, nil
}

// castHeaders returns the header of a cast: the shared one if this call needs no header
// of its own.
func (c *Client) castHeaders(ctx context.Context, version uint64) http.Header {
	wait := c.wait
	if d, ok := ctx.Deadline(); ok {
		wait = c.preference(d)
	}
	if len(c.promises) > 0 {
		wait = append(slices.Clip(wait), "promise")
	}
	if len(c.policies) > 0 {
		wait = append(slices.Clip(wait), "proof")
	}
	same := len(wait) == len(c.wait) && (len(wait) == 0 || wait[0] == c.wait[0])
	if same && version == 0 && c.token == nil && c.own != nil {
		return c.castHeader
	}
	h := maps.Clone(c.castHeader)
	delete(h, "Prefer")
	if wait != nil {
		h["Prefer"] = wait
	}
	if version > 0 {
		h["If-Match"] = []string{quotedNumber(version)}
	}
	c.authorize(h)
	return h
}

// Receipt returns the current receipt of a voter. Without one the error is
// CodeBallotNotFound.
func (c *Client) Receipt(ctx context.Context, poll, voter string) (Receipt, error) {
	voter, err := canonical(voter)
	if err != nil {
		return Receipt{}, err
	}
	into := receiptInto{poll: poll, voter: voter, keep: c.keepReceipts}
	k := call{method: http.MethodGet, into: &into}
	if err := k.route("/v1/polls/", poll, "/ballots/", voter); err != nil {
		return Receipt{}, err
	}
	meta, err := c.do(ctx, &k)
	into.Meta = meta
	return into.Receipt, err
}

func quotedNumber(n uint64) string { return `"` + strconv.FormatUint(n, 10) + `"` }

// route sets a path from fixed parts and ids, in turn. It escapes ids so that each
// stays one segment ("/" becomes %2F).
func (k *call) route(parts ...string) error {
	plain := true
	for i, p := range parts {
		if i%2 == 0 {
			continue
		}
		if p == "" || p == "." || p == ".." {
			return refused(CodeMalformedRequest, "%q cannot be an id", p)
		}
		if !unreserved(p) {
			plain = false
			if !utf8.ValidString(p) {
				return refused(CodeMalformedRequest, "the id %q is not UTF-8; write it in UTF-8", p)
			}
		}
	}
	k.path = strings.Join(parts, "")
	if plain {
		return nil
	}
	raw := make([]byte, 0, 2*len(k.path))
	for i, p := range parts {
		if i%2 == 0 {
			raw = append(raw, p...)
		} else {
			raw = appendEscaped(raw, p)
		}
	}
	k.raw = string(raw)
	return nil
}

// isUnreserved reports whether c needs no escaping (RFC 3986, section 2.3).
func isUnreserved(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' ||
		c == '-' || c == '.' || c == '_' || c == '~'
}

func unreserved(s string) bool {
	for i := range len(s) {
		if !isUnreserved(s[i]) {
			return false
		}
	}
	return true
}

func appendEscaped(to []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; isUnreserved(c) {
			to = append(to, c)
		} else {
			to = append(to, '%', "0123456789ABCDEF"[c>>4], "0123456789ABCDEF"[c&15])
		}
	}
	return to
}
