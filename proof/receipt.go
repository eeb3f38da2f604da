package proof

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Receipt shows one voter that their ballot is in the log. As a file it is a Proof whose
// extra data is JSON:
//
//	{"kind":"counted","poll":"board-2026","voter":"v-17","key_nonce":"…16 bytes",
//	 "key":"…16 bytes","supersedes":0,"seal":"…32 bytes"}
//
// A receipt of the kind opened has besides "nonce", "version", "index", "cast_at" (in
// milliseconds since the Unix epoch) and "selections"; one of the kind final has "closing",
// "closing_path", "chunk" and "chunk_path", and may be opened too. Bytes are in base64.
// Nothing of this is believed: Check computes the entry from it, which must be in the log.
type Receipt struct {
	Poll       string
	Voter      string
	KeyNonce   [16]byte // VoterNonce
	Ballot     BallotEntry
	Number     uint64   // of the ballot, which is that of its entry
	Opening    *Opening // shows the choice; nil unless the receipt is opened
	Final      *Final   // nil before the close
	Path       []Hash
	Checkpoint []byte
}

// Final shows that a ballot was its voter's last one when the poll closed.
type Final struct {
	Closing ClosingEntry
	Path    []Hash // from the closing entry to the root
	Chunk   Chunk
}

// The kinds of receipts.
const (
	kindCounted = "counted"
	kindOpened  = "opened"
	kindFinal   = "final"
)

// extra is the extra data as it is written.
type extra struct {
	Kind       string `json:"kind"`
	Poll       string `json:"poll"`
	Voter      string `json:"voter"`
	KeyNonce   []byte `json:"key_nonce"`
	Key        []byte `json:"key"`
	Supersedes uint32 `json:"supersedes"`
	Seal       []byte `json:"seal"`

	Nonce      []byte `json:"nonce,omitempty"`
	Version    uint32 `json:"version,omitempty"`
	Index      uint64 `json:"index,omitempty"`
	CastAt     uint64 `json:"cast_at,omitempty"`
	Selections []byte `json:"selections,omitempty"`

	Closing     []byte   `json:"closing,omitempty"`
	ClosingPath [][]byte `json:"closing_path,omitempty"`
	Chunk       []byte   `json:"chunk,omitempty"`
	ChunkPath   [][]byte `json:"chunk_path,omitempty"`
}

// Append appends the receipt as a file.
func (r *Receipt) Append(b []byte) []byte {
	x := extra{
		Kind: kindCounted, Poll: r.Poll, Voter: r.Voter, KeyNonce: r.KeyNonce[:],
		Key: r.Ballot.Key[:], Supersedes: r.Ballot.Supersedes, Seal: r.Ballot.Seal[:],
	}
	if o := r.Opening; o != nil {
		x.Kind = kindOpened
		x.Nonce, x.Version, x.Index, x.CastAt, x.Selections = o.Nonce[:], o.Version, o.Index, o.CastAt, o.Selections
	}
	if f := r.Final; f != nil {
		x.Kind = kindFinal
		x.Closing, x.ClosingPath = f.Closing.Append(nil), slicesOf(f.Path)
		x.Chunk, x.ChunkPath = f.Chunk.Bits[:], slicesOf(f.Chunk.Path)
	}
	text, err := json.Marshal(x)
	if err != nil {
		panic("strings, numbers and bytes became no JSON: " + err.Error())
	}
	return Proof{Extra: text, Index: r.Number, Path: r.Path, Checkpoint: r.Checkpoint}.Append(b)
}

// ParseReceipt reads what Append wrote. Nothing is checked yet but the form.
func ParseReceipt(b []byte) (*Receipt, error) {
	p, err := ParseProof(b)
	if err != nil {
		return nil, err
	}
	if p.Extra == nil {
		return nil, fmt.Errorf("%w: the proof has no extra data, so it is not said whose ballot it is about", ErrMalformed)
	}
	var x extra
	d := json.NewDecoder(bytes.NewReader(p.Extra))
	d.DisallowUnknownFields()
	if err := d.Decode(&x); err != nil || d.More() {
		return nil, fmt.Errorf("%w: the extra data of the receipt is not the JSON of one: %v", ErrMalformed, err)
	}
	r := &Receipt{
		Poll: x.Poll, Voter: x.Voter, Ballot: BallotEntry{Supersedes: x.Supersedes},
		Number: p.Index, Path: p.Path, Checkpoint: p.Checkpoint,
	}
	f := fields{}
	f.read("key_nonce", x.KeyNonce, r.KeyNonce[:])
	f.read("key", x.Key, r.Ballot.Key[:])
	f.read("seal", x.Seal, r.Ballot.Seal[:])
	switch opened, final := x.Nonce != nil, x.Closing != nil; {
	case x.Kind == kindCounted && !opened && !final, x.Kind == kindOpened && opened && !final, x.Kind == kindFinal && final:
	default:
		return nil, fmt.Errorf("%w: a receipt of the kind %.40q has other members than this one", ErrMalformed, x.Kind)
	}
	if x.Nonce != nil {
		o := &Opening{Version: x.Version, Index: x.Index, CastAt: x.CastAt, Selections: x.Selections}
		f.read("nonce", x.Nonce, o.Nonce[:])
		r.Opening = o
	}
	if x.Closing != nil {
		r.Final = &Final{Path: f.path("closing_path", x.ClosingPath), Chunk: Chunk{Path: f.path("chunk_path", x.ChunkPath)}}
		f.read("chunk", x.Chunk, r.Final.Chunk.Bits[:])
		if r.Final.Closing, err = ParseClosingEntry(x.Closing); err != nil {
			return nil, err
		}
	}
	return r, f.err
}

// fields copies bytes that must have a certain size, and keeps the first fault.
type fields struct{ err error }

func (f *fields) read(name string, from, to []byte) {
	if len(from) != len(to) && f.err == nil {
		f.err = fmt.Errorf("%w: %s of a receipt has %d bytes, and this one has %d", ErrMalformed, name, len(to), len(from))
	}
	copy(to, from)
}

func (f *fields) path(name string, from [][]byte) []Hash {
	if len(from) > maxPathHashes && f.err == nil {
		f.err = fmt.Errorf("%w: %s of a receipt has at most %d hashes, and this one has %d", ErrMalformed, name, maxPathHashes, len(from))
	}
	path := make([]Hash, min(len(from), maxPathHashes))
	for i := range path {
		f.read(name, from[i], path[i][:])
	}
	return path
}

func slicesOf(path []Hash) [][]byte {
	list := make([][]byte, len(path))
	for i := range path {
		list[i] = path[i][:]
	}
	return list
}

// Check checks everything that the receipt says, under a policy that its user has from
// elsewhere: that the head is signed as the policy asks, that the ballot is in the log
// under its number, that its key is the voter's, that the seal opens to the choice where
// the receipt shows one, and that nothing replaced the ballot where it is a final one. It
// returns the head, or what is wrong: ErrMalformed, ErrOrigin, ErrSignature, ErrUnsigned,
// ErrQuorum, ErrNoQuorum, ErrVoter, ErrNotInTree, ErrSeal, ErrSuperseded, ErrEnded.
func (r *Receipt) Check(p *Policy) (Head, error) {
	h, err := p.Check(r.Checkpoint)
	if err != nil {
		return Head{}, err
	}
	return h, r.CheckIn(h)
}

// CheckIn is Check under a head that was checked: the receipt's own.
func (r *Receipt) CheckIn(h Head) error {
	o, err := ParseOrigin(h.Origin)
	if err != nil {
		return err
	}
	switch {
	case o.Poll != r.Poll:
		return fmt.Errorf("%w: the receipt says that it is of the poll %.80q, and the signed head in it is of %q", ErrOrigin, r.Poll, o.Poll)
	case r.Number == 0:
		return fmt.Errorf("%w: entry 0 is the definition of the poll; ballots begin with 1", ErrNotInTree)
	case VoterKey(r.KeyNonce, r.Voter) != r.Ballot.Key:
		return fmt.Errorf("%w: the voter key in it does not open to %.80q", ErrVoter, r.Voter)
	}
	if r.Opening != nil && r.Opening.Seal() != r.Ballot.Seal {
		return fmt.Errorf("%w: choice, version, index or time are others than those that were sealed", ErrSeal)
	}
	if err := CheckInclusion(h.Root, h.Size, r.Number, r.Ballot.Leaf(), r.Path); err != nil {
		return err
	}
	if r.Final == nil {
		return nil
	}
	return r.checkFinal(h)
}

// checkFinal checks that the log ends with the closing entry, and that the ballot was
// current then.
func (r *Receipt) checkFinal(h Head) error {
	if err := r.Final.Closing.CheckIn(h, r.Final.Path); err != nil {
		return err
	}
	return r.Final.Closing.CheckCurrent(uint32(r.Number), r.Final.Chunk)
}

// Tracker returns a short name for the ballot that a person can compare: the first 10
// characters of its leaf hash in Crockford's base32, which are 50 bits.
func (r *Receipt) Tracker() string {
	const digits, letters = 10, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	leaf := r.Ballot.Leaf()
	var n uint64
	for _, b := range leaf[:8] {
		n = n<<8 | uint64(b)
	}
	var s [digits]byte
	for i := range s {
		s[i] = letters[n>>(64-5*(i+1))&31]
	}
	return string(s[:])
}
