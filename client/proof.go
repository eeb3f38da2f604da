package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"slices"
	"strings"
	"time"

	"voted/internal/pause"
	"voted/proof"
)

// WithProof makes Cast and Replace return only once the ballot's proof is there and was
// checked: that members signed, as one of these policies asks, a log that has the ballot under
// this voter's name. A policy is about one poll, so give one for each; it must have reached the
// caller on another way than from the nodes. Where the proof shows the choice, it must be the one
// that was cast, by the definition that the log begins with; Receipt.AsCast says whether that was
// seen. A ballot that was counted without a good proof is
// a *ProofError, which has its receipt.
func WithProof(policies ...*proof.Policy) Option {
	return func(s *settings) { s.policies = append(s.policies, policies...) }
}

// ProofError says that a node counted a ballot, and that its proof is not there or not good.
// Cast the same ballot again, or ask for the proof later with Proof. If the proof is not good,
// keep it: whoever signed it can be held to it.
type ProofError struct {
	Receipt Receipt
	Cause   error // why; an Err value of package proof where the proof is not good
}

// Error says that the ballot was counted, and what is wrong with its proof.
func (e *ProofError) Error() string {
	return fmt.Sprintf("a node says that the ballot of %s in %s is counted, but there is no good proof of it: %v", e.Receipt.Voter, e.Receipt.Poll, e.Cause)
}

// Unwrap returns the cause.
func (e *ProofError) Unwrap() error { return e.Cause }

// proven checks the proof of a voter's ballot that was counted, and fetches it first where the
// answer had none.
func (c *Client) proven(ctx context.Context, r Receipt, poll, voter string, b Ballot) (Receipt, error) {
	if r.Poll != poll || r.Voter != voter {
		return r, &ProofError{r, fmt.Errorf("%w: the node answered about the ballot of %q in %q", proof.ErrVoter, r.Voter, r.Poll)}
	}
	if r.Proof == "" {
		file, err := c.Proof(ctx, r.Poll, r.Voter)
		if err != nil {
			return r, &ProofError{r, err}
		}
		r.Proof = string(file)
	}
	p, h, err := c.checkProof(r)
	for until := time.Now().Add(quorumWait); errors.Is(err, proof.ErrQuorum) && time.Now().Before(until) && pause.For(ctx, quorumAgain) == nil; {
		file, gone := c.Proof(ctx, r.Poll, r.Voter)
		if gone != nil {
			break
		}
		r.Proof = string(file)
		p, h, err = c.checkProof(r)
	}
	if err == nil {
		r.AsCast, err = c.asCast(ctx, p, h, b)
	}
	if err != nil {
		return r, &ProofError{r, err}
	}
	return r, nil
}

// A head gets the signatures of witnesses a moment after those of the members. Until then a
// policy that asks for both is not met.
const (
	quorumWait  = 5 * time.Second
	quorumAgain = 250 * time.Millisecond
)

// checkProof checks that the proof of a receipt is good, and of this very ballot, and returns it
// with its head.
func (c *Client) checkProof(r Receipt) (p *proof.Receipt, h proof.Head, err error) {
	if p, err = proof.ParseReceipt([]byte(r.Proof)); err != nil {
		return nil, h, err
	}
	h, err = p.Check(c.policies[0])
	for _, policy := range c.policies[1:] {
		if err == nil || !errors.Is(err, proof.ErrOrigin) && !errors.Is(err, proof.ErrUnsigned) {
			break
		}
		h, err = p.Check(policy)
	}
	switch o := p.Opening; {
	case err != nil:
	case p.Poll != r.Poll:
		err = fmt.Errorf("%w: it is of the poll %q", proof.ErrOrigin, p.Poll)
	case p.Voter != r.Voter:
		err = fmt.Errorf("%w: it is of %q", proof.ErrVoter, p.Voter)
	case r.Ballot != 0 && p.Number != r.Ballot:
		err = fmt.Errorf("%w: the proof is of ballot %d, and the receipt of ballot %d; perhaps the voter has replaced it meanwhile", proof.ErrSuperseded, p.Number, r.Ballot)
	case o != nil && (uint64(o.Version) != r.Version || o.Index != r.Index || o.CastAt != uint64(r.CastAt.UnixMilli())):
		err = fmt.Errorf("%w: the receipt has another version, index or time than the proof", proof.ErrSeal)
	}
	return p, h, err
}

// Proof returns the proof of a voter's current ballot, a file in the form of
// c2sp.org/tlog-proof@v1. It waits until there is one, for as long as the call may take, and was
// not checked: see proof.ParseReceipt.
func (c *Client) Proof(ctx context.Context, poll, voter string) ([]byte, error) {
	voter, err := canonical(voter)
	if err != nil {
		return nil, err
	}
	var k call
	if err := k.route("/v1/polls/", poll, "/ballots/", voter, "/proof"); err != nil {
		return nil, err
	}
	return c.file(ctx, &k, "text/plain")
}

// The parts of a poll's log that LogFile reads; a tile is named by proof.Tile.Path.
const (
	LogCheckpoint = "checkpoint" // the newest signed head
	LogDefinition = "definition" // what entry 0 has the hash of
	LogProfile    = "profile"    // how many ballots hold each choice, after the close
	LogClosing    = "closing"    // the proof that the log has ended
	LogPolicy     = "policy"     // what this cluster claims its policy to be; do not trust it
)

// LogFile returns a part of a poll's log. Nothing of it was checked.
func (c *Client) LogFile(ctx context.Context, poll, name string) ([]byte, error) {
	var k call
	if err := k.route("/v1/polls/", poll, "/log/"+name); err != nil {
		return nil, err
	}
	mediaType := map[string]string{LogDefinition: "application/octet-stream", LogProfile: "application/x-ndjson"}[name]
	if strings.HasPrefix(name, "tile/") {
		mediaType = "application/octet-stream"
	}
	return c.file(ctx, &k, orDefault(mediaType, "text/plain"))
}

// file reads an answer that is no JSON, whole.
func (c *Client) file(ctx context.Context, k *call, mediaType string) ([]byte, error) {
	var into wholeBody
	k.method, k.mediaType, k.into = http.MethodGet, mediaType, &into
	k.header = c.header(c.preference(c.callDeadline(ctx)), mediaType, "")
	c.authorize(k.header)
	_, err := c.do(ctx, k)
	return into, err
}

// wholeBody keeps a body as it came.
type wholeBody []byte

func (b *wholeBody) decode(body []byte) error {
	*b = bytes.Clone(body)
	return nil
}

// VoterProof is the answer for one voter of Proofs.
type VoterProof struct {
	Voter string
	Proof []byte // nil where there is none
	Err   error  // why, an *Error with its code; nil otherwise
}

// proofsPerCall bounds the voters that are asked for at once: their answers are held in memory.
const proofsPerCall = 1000

// Proofs iterates over the proofs of many voters' current ballots, in their order. Those of a
// thousand voters are under one signed head. They were not checked. An error ends it.
func (c *Client) Proofs(ctx context.Context, poll string, voters []string) iter.Seq2[VoterProof, error] {
	return func(yield func(VoterProof, error) bool) {
		for some := range slices.Chunk(voters, proofsPerCall) {
			answers, err := c.proofs(ctx, poll, some)
			if err != nil {
				yield(VoterProof{}, err)
				return
			}
			for _, a := range answers {
				if !yield(a, nil) {
					return
				}
			}
		}
	}
}

func (c *Client) proofs(ctx context.Context, poll string, voters []string) ([]VoterProof, error) {
	const ndjson = "application/x-ndjson"
	into := proofLines{answers: make([]VoterProof, len(voters))}
	k := call{method: http.MethodPost, mediaType: ndjson, into: &into, batch: true}
	if err := k.route("/v1/polls/", poll, "/proofs"); err != nil {
		return nil, err
	}
	for i, voter := range voters {
		voter, err := canonical(voter)
		if err != nil {
			return nil, err
		}
		into.answers[i].Voter = voter
		line, err := json.Marshal(map[string]string{"voter": voter})
		if err != nil {
			return nil, err
		}
		k.body = append(append(k.body, line...), '\n')
	}
	k.header = c.header(c.preference(c.callDeadline(ctx)), ndjson, ndjson)
	c.authorize(k.header)
	_, err := c.do(ctx, &k)
	return into.answers, err
}

// proofLines decodes the answers to a request for proofs.
type proofLines struct{ answers []VoterProof }

func (p *proofLines) decode(body []byte) error {
	lines := bufio.NewReader(bytes.NewReader(body))
	for i := range p.answers {
		line, err := lines.ReadBytes('\n')
		if err != nil {
			return fmt.Errorf("it ends before line %d: %w", i+1, io.ErrUnexpectedEOF)
		}
		var a struct {
			Line   int    `json:"line"`
			Proof  string `json:"proof"`
			Code   Code   `json:"code"`
			Detail string `json:"detail"`
		}
		if err := decodeJSON(line, &a); err != nil {
			return err
		}
		switch x := &p.answers[i]; {
		case a.Line != i+1:
			return fmt.Errorf("line %d is numbered %d", i+1, a.Line)
		case a.Code != "":
			x.Proof, x.Err = nil, &Error{Code: a.Code, Detail: a.Detail, Retryable: a.Code.transient()}
		default:
			x.Proof, x.Err = []byte(a.Proof), nil
		}
	}
	return nil
}
