package hostile

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
)

// letters are parts of names, each in all its writings, which to Unicode are one text.
var letters = [][]string{
	{"a"},
	{"Z"},
	{"7"},
	{"-"},
	{"/"},
	{"%"},
	{"\""},
	{" b"},
	{"\ufb01"},
	{"\uff11"},
	{"\u5c71"},
	{"\ufffd"},
	{"\U0001f98a"},
	{"\u00eb", "e\u0308"},
	{"\u00c5", "A\u030a", "\u212b"},
	{"\ud55c", "\u1112\u1161\u11ab", "\ud558\u11ab"},
	{"q\u0323\u0307", "q\u0307\u0323"},
	{"\u1f82", "\u03b1\u0313\u0300\u0345", "\u1f00\u0300\u0345", "\u1f02\u0345"},
	{"\u0915\u093c", "\u0958"},
	{"\u795e", "\ufa19"},
}

// unseen are parts that no id may have: bytes that are not UTF-8, and characters that cannot
// be seen or look like others.
var unseen = []string{
	"\xeb", "\xff", "\xed\xa0\x80", "\xc0\xaf", "\xe2\x80", "\x00", "\t", "\n", "\u0085", "\u00a0", "\u00ad", "\u034f", "\u061c", "\u115f", "\u180e",
	"\u200b", "\u200c", "\u200d", "\u200f", "\u2028", "\u202e", "\u2066", "\u2800", "\u3164", "\ufe0f", "\ufeff", "\ufffc", "\ue000", "\u0378", "\ufdd0",
	"\U000e0041", "\U000e0100",
}

// drawName draws a name in two writings. id says whether it can be the id of a voter.
func drawName(r *rand.Rand) (one, other string, id bool) {
	var a, b strings.Builder
	for range 1 + r.IntN(6) {
		writings := letters[r.IntN(len(letters))]
		a.WriteString(writings[r.IntN(len(writings))])
		b.WriteString(writings[r.IntN(len(writings))])
	}
	one, other = "n"+a.String(), "n"+b.String()
	switch r.IntN(4) {
	case 0:
		bad := unseen[r.IntN(len(unseen))]
		return one + bad, "n" + bad + other[1:], false
	case 1:
		return one + " ", "\u3000" + other, false
	}
	return one, other, true
}

// name casts one ballot under each of two writings of a name. Both must be one voter's, or
// both refused.
func (w *worker) name() error {
	one, other, id := drawName(w.draw)
	receipts := make([]string, 0, 2)
	for _, voter := range []string{one, other} {
		const ballot = `{"selections":["a"]}`
		var b bytes.Buffer
		fmt.Fprintf(&b, "PUT /v1/polls/%s/ballots/%s HTTP/1.1\r\nHost: %s\r\n", target, url.PathEscape(voter), w.cluster.Nodes[w.node].APIAddr)
		fmt.Fprintf(&b, "Authorization: Bearer %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", w.access.Token, len(ballot), ballot)
		barred := ""
		if !id {
			barred = "a voter without an id"
		}
		if err := w.exchange(w.cluster.Nodes[w.node].APIAddr, true, b.Bytes(), barred, false); err != nil {
			return err
		}
		if !id {
			continue
		}
		switch w.status {
		case http.StatusOK, http.StatusCreated:
		case 0, http.StatusTooManyRequests, http.StatusServiceUnavailable, http.StatusInsufficientStorage:
			return nil // such an answer is not about the name
		default:
			w.note("O8", "the voter %+q was refused: %d %.300s", voter, w.status, w.body.Bytes())
			return nil
		}
		var receipt struct {
			Voter  string
			Ballot uint64
		}
		if err := json.Unmarshal(w.body.Bytes(), &receipt); err != nil || receipt.Ballot == 0 {
			w.note("O8", "the receipt of %+q cannot be read: %.300s", voter, w.body.Bytes())
			return nil
		}
		receipts = append(receipts, fmt.Sprintf("ballot %d of %+q", receipt.Ballot, receipt.Voter))
	}
	if len(receipts) == 2 && receipts[0] != receipts[1] {
		w.note("O2", "%+q and %+q are one voter, who has %s and %s", one, other, receipts[0], receipts[1])
	}
	return nil
}
