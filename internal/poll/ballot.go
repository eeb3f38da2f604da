package poll

import (
	"encoding/hex"

	"voted/internal/refusal"
	"voted/proof"
)

// VoterKey stands for a voter within one poll; see proof.VoterKey. With 2^32 voters the
// chance that any two share a key is below 2^-64, and without the salt a key says nothing
// about the voter.
type VoterKey [16]byte

// String returns the key in hexadecimal.
func (k VoterKey) String() string { return hex.EncodeToString(k[:]) }

// Salt makes a poll's voter keys its own. The proposer of a poll draws it.
type Salt [16]byte

// KeyOf returns the key of a voter id under a poll's salt.
func KeyOf[ID string | []byte](salt Salt, voter ID) VoterKey {
	id := string(voter)
	return proof.VoterKey(proof.VoterNonce(salt, id), id)
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

// Receipt identifies a counted ballot forever.
type Receipt struct {
	Ballot  uint32 // number of the record in the poll's box, from 1
	Version uint32 // 1 for a voter's first ballot
	Index   uint64 // log index at which it was counted
	CastAt  int64  // milliseconds since the Unix epoch, by the replicated clock
}

// Kind is what happened to a ballot.
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
	// Code is why a ballot was refused.
	Code refusal.Code
	// Receipt is the ballot's own, or the voter's current one if the refusal is about
	// versions; zero otherwise.
	Receipt Receipt
}

func refused(c refusal.Code) Outcome { return Outcome{Kind: Refused, Code: c} }

func refusedFor(c refusal.Code, r Receipt) Outcome {
	return Outcome{Kind: Refused, Code: c, Receipt: r}
}

// Err returns the refusal as an error, nil if the ballot stands. The error has no
// sentence: the caller adds one when it answers the request.
func (o Outcome) Err() *refusal.Error {
	if o.Kind != Refused {
		return nil
	}
	return &refusal.Error{Code: o.Code, Version: o.Receipt.Version}
}
