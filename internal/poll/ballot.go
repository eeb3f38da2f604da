package poll

import (
	"crypto/sha256"
	"encoding/hex"
)

// VoterKey stands for a voter within one poll: the first 16 bytes of
// SHA-256(salt ‖ voter id). With 2^32 voters the chance that any two share a key
// is below 2^-64, and without the salt a key says nothing about the voter.
type VoterKey [16]byte

// String returns the key in hexadecimal.
func (k VoterKey) String() string { return hex.EncodeToString(k[:]) }

// Salt makes a poll's voter keys its own. The proposer of a poll draws it.
type Salt [16]byte

// KeyOf returns the key of a voter id under a poll's salt.
func KeyOf[ID string | []byte](salt Salt, voter ID) VoterKey {
	// One buffer on the stack: a voter id has at most MaxVoterBytes.
	var buf [len(salt) + MaxVoterBytes]byte
	n := copy(buf[:], salt[:])
	n += copy(buf[n:], voter)
	sum := sha256.Sum256(buf[:n])
	return VoterKey(sum[:16])
}

// Ballot is one ballot on its way into a poll's box.
type Ballot struct {
	Poll string
	Key  VoterKey
	// Voter is the voter's id in an open poll, empty in a secret one: there it
	// must not reach the log.
	Voter string
	// Selections is the canonical form that Definition.Encode makes.
	Selections []byte
	// IfVersion is the version that this ballot replaces; 0 means "my first".
	IfVersion uint32
}

// Receipt is what a counted ballot can be known by, for ever.
type Receipt struct {
	Ballot  uint32 // number of the record in the poll's box, from 1
	Version uint32 // 1 for a voter's first ballot
	Index   uint64 // log index at which it was counted
	CastAt  int64  // milliseconds since the Unix epoch, by the replicated clock
}

// Kind says what became of a ballot.
type Kind uint8

// The kinds. Their numbers travel between members.
const (
	Refused  Kind = iota
	Counted       // the voter's first ballot
	Replaced      // superseded the voter's earlier ballot
	Replayed      // had been counted before; nothing changed
)

// String returns the outcome as clients see it.
func (k Kind) String() string {
	return [...]string{"refused", "counted", "replaced", "replayed"}[k]
}

// Outcome is the result of casting one ballot.
type Outcome struct {
	Kind Kind
	// Code says why a ballot was refused.
	Code Code
	// Receipt is the ballot's own, or the voter's current one where a refusal
	// is about versions; zero otherwise.
	Receipt Receipt
}

func refused(c Code) Outcome { return Outcome{Kind: Refused, Code: c} }

func refusedFor(c Code, r Receipt) Outcome { return Outcome{Kind: Refused, Code: c, Receipt: r} }

// Err returns the refusal as an error, nil where the ballot stands.
func (o Outcome) Err() *Error {
	if o.Kind != Refused {
		return nil
	}
	return &Error{Code: o.Code, Detail: refusals[o.Code], Version: o.Receipt.Version}
}

// refusals are the sentences for what the rules can refuse.
var refusals = map[Code]string{
	CodePollNotFound:    "There is no poll with this id.",
	CodePollNotOpen:     "The poll has not opened yet; cast the ballot after it opens.",
	CodePollClosed:      "The poll has closed; this ballot was not counted.",
	CodeNotEligible:     "This voter is not on the poll's roll; the ballot was not counted.",
	CodePollFull:        "The poll has reached its maximum number of ballots; this ballot was not counted.",
	CodeStorageFull:     "The disks of too many members are nearly full; the ballot was not counted. Send it again when the operators have made space.",
	CodeInvalidBallot:   "The ballot does not follow the poll's rules.",
	CodeAlreadyVoted:    "This voter has a different ballot in the box. To replace it, where the poll allows that, send its version in If-Match.",
	CodeSuperseded:      "This ballot was counted, and the same voter has since replaced it; the newer ballot stands.",
	CodeVersionMismatch: "The version in If-Match is not the voter's current one; read the current ballot, then decide whether to replace it.",
}
