package client

import (
	"context"
	"maps"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf8"
)

// Cast casts a voter's first ballot in a poll. It may be called again with the
// same ballot, at any time and through any client: the first receipt comes
// back, with the outcome Replayed. Another ballot is refused with
// CodeAlreadyVoted; see Replace.
func (c *Client) Cast(ctx context.Context, poll, voter string, b Ballot) (Receipt, error) {
	return c.put(ctx, poll, voter, b, 0)
}

// Replace replaces version n of a voter's ballot, in a poll that allows it. The
// same replacement again is replayed; where another version is current, it is
// refused with CodeVersionMismatch or CodeSuperseded.
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
	into := receiptInto{poll: poll, voter: voter}
	k := call{method: http.MethodPut, write: true, into: &into}
	if err := k.ballotPath(poll, voter); err != nil {
		return Receipt{}, err
	}
	k.body = append(b.appendMember(append(make([]byte, 0, 64), '{')), '}')
	k.header = c.castHeaders(ctx, version)
	meta, err := c.do(ctx, &k)
	if err != nil {
		return Receipt{Meta: meta}, err
	}
	into.Meta = meta
	return into.Receipt, nil
}

// castHeaders returns the shared header where nothing about this call is its own.
func (c *Client) castHeaders(ctx context.Context, version uint64) http.Header {
	wait := c.wait
	if d, ok := ctx.Deadline(); ok {
		wait = c.preference(d)
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

// Receipt returns the current receipt of a voter, CodeBallotNotFound where there
// is none.
func (c *Client) Receipt(ctx context.Context, poll, voter string) (Receipt, error) {
	into := receiptInto{poll: poll, voter: voter}
	k := call{method: http.MethodGet, into: &into}
	if err := k.ballotPath(poll, voter); err != nil {
		return Receipt{}, err
	}
	meta, err := c.do(ctx, &k)
	into.Meta = meta
	return into.Receipt, err
}

func quotedNumber(n uint64) string { return `"` + strconv.FormatUint(n, 10) + `"` }

// ballotPath sets the path of one voter's ballot.
func (k *call) ballotPath(poll, voter string) error {
	if err := checkVoter(voter); err != nil {
		return err
	}
	return k.route("/v1/polls/", poll, "/ballots/", voter)
}

// route sets a path of fixed parts and ids, in turn. Ids are escaped so that
// each stays one segment, "/" as %2F.
func (k *call) route(parts ...string) error {
	plain := true
	for i, p := range parts {
		if i%2 == 0 {
			continue
		}
		if p == "" || p == "." || p == ".." {
			return refused(CodeMalformedRequest, "%q cannot be an id", p)
		}
		plain = plain && unreserved(p)
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

// checkVoter refuses what the contract says cannot be a voter.
func checkVoter(voter string) error {
	switch {
	case voter == "" || len(voter) > maxVoterBytes:
		return refused(CodeMalformedRequest, "a voter id has 1 to %d bytes, this one has %d", maxVoterBytes, len(voter))
	case voter == "." || voter == "..":
		return refused(CodeMalformedRequest, "a voter cannot be called %q", voter)
	case !utf8.ValidString(voter):
		return refused(CodeMalformedRequest, "a voter id must be UTF-8")
	}
	for _, r := range voter {
		if r < ' ' || (r >= 0x7f && r < 0xa0) {
			return refused(CodeMalformedRequest, "a voter id cannot have control characters")
		}
	}
	return nil
}

// isUnreserved are the characters that need no escaping (RFC 3986, section 2.3).
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
