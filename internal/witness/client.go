package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"voted/proof"
)

// ErrGarbage: what answers is no witness, or its signature is not one of this head by its key.
var ErrGarbage = errors.New("the answer is not that of this witness")

// RefusedError is a refusal of a witness that another request does not change: it does not
// watch the log, does not know the keys that signed, or has cosigned another log under this
// name.
type RefusedError struct {
	Status int
	Detail string // what the witness says, cut
}

// Error repeats what the witness says.
func (e *RefusedError) Error() string {
	return fmt.Sprintf("the witness refuses the head with status %d: %s", e.Status, e.Detail)
}

// Is maps the statuses of the specification to the errors of a Witness.
func (e *RefusedError) Is(target error) bool {
	for _, s := range statuses {
		if s.status == e.Status && s.err == target {
			return true
		}
	}
	return false
}

// Client asks one witness of somebody else to cosign heads (c2sp.org/tlog-witness). It is safe
// for concurrent use.
type Client struct {
	name string
	key  proof.Verifier
	url  string
	http *http.Client
}

// NewClient makes a client of a witness as a policy names it: with its key and its URL, below
// which add-checkpoint is. It fails if there is no URL of HTTP.
func NewClient(w proof.PolicyWitness, h *http.Client) (*Client, error) {
	u, err := url.Parse(w.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, fmt.Errorf("the witness %s has the URL %q; it must begin with https:// or http://", w.Name, w.URL)
	}
	return &Client{w.Name, w.Key, strings.TrimSuffix(w.URL, "/") + "/add-checkpoint", h}, nil
}

// Name is the name of the witness within the policy.
func (c *Client) Name() string { return c.name }

// Key is the key that the witness cosigns with.
func (c *Client) Key() proof.Verifier { return c.key }

const (
	// maxAnswerBytes is above a witness's lines: one for each of its keys.
	maxAnswerBytes = 16 << 10
	// maxDetailBytes is how much of a refusal is repeated.
	maxDetailBytes = 200
)

// Add asks for the cosignature of a head, with the proof that it continues the head of size old
// that the witness cosigned last; 0: none. It fails with a *SizeError if that has another size,
// a *RefusedError, ErrGarbage, or because the witness cannot be reached; the error of ctx among
// these.
func (c *Client) Add(ctx context.Context, old uint64, path []proof.Hash, note []byte) (proof.Signature, error) {
	body := fmt.Appendf(nil, "old %d\n", old)
	for _, h := range path {
		body = append(body, h.String()+"\n"...)
	}
	body = append(append(body, '\n'), note...)
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return proof.Signature{}, err
	}
	r.Header.Set("Content-Type", "text/plain; charset=utf-8")
	answer, err := c.http.Do(r)
	if err != nil {
		return proof.Signature{}, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswerBytes+1))
	switch {
	case err != nil:
		return proof.Signature{}, fmt.Errorf("the answer of the witness broke off: %w", err)
	case answer.StatusCode == http.StatusOK:
		return c.cosignature(note, text)
	case answer.StatusCode == http.StatusConflict && strings.HasPrefix(answer.Header.Get("Content-Type"), sizeType):
		size, err := strconv.ParseUint(strings.TrimSuffix(string(text), "\n"), 10, 64)
		if err != nil {
			return proof.Signature{}, fmt.Errorf("%w: it says that its last head has the size %.40q", ErrGarbage, text)
		}
		return proof.Signature{}, &SizeError{size}
	case answer.StatusCode >= 500 || answer.StatusCode == http.StatusTooManyRequests:
		return proof.Signature{}, fmt.Errorf("the witness answers with status %d", answer.StatusCode)
	}
	return proof.Signature{}, &RefusedError{answer.StatusCode, excerpt(text)}
}

// excerpt is the beginning of what somebody else wrote.
func excerpt(text []byte) string {
	return strings.ToValidUTF8(strings.TrimSpace(string(text[:min(len(text), maxDetailBytes)])), "")
}

// cosignature finds the signature of the witness's key among its lines, and checks it.
func (c *Client) cosignature(head, lines []byte) (proof.Signature, error) {
	n, err := proof.ParseNote(head)
	if err != nil {
		return proof.Signature{}, err
	}
	if len(lines) > maxAnswerBytes {
		return proof.Signature{}, fmt.Errorf("%w: it is longer than %d bytes", ErrGarbage, maxAnswerBytes)
	}
	signed, err := proof.ParseNote(append([]byte(n.Text+"\n"), lines...))
	if err != nil {
		return proof.Signature{}, fmt.Errorf("%w: %w", ErrGarbage, err)
	}
	good, err := signed.Verify(c.key)
	switch {
	case err != nil:
		return proof.Signature{}, fmt.Errorf("%w: it signed something else than this head: %w", ErrGarbage, err)
	case len(good) == 0:
		return proof.Signature{}, fmt.Errorf("%w: no signature is by the key %s", ErrGarbage, c.key.Name())
	}
	for _, s := range signed.Signatures {
		if s.Name == c.key.Name() && s.ID == c.key.ID() {
			return s, nil
		}
	}
	return proof.Signature{}, ErrGarbage
}
