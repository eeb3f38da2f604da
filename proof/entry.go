package proof

import (
	"encoding/binary"
	"fmt"
)

// The first byte of an entry says what it is.
const (
	definitionKind = 'd'
	ballotKind     = 'b'
	closingKind    = 'x'
)

// How many bytes entries have.
const (
	definitionEntryBytes = 1 + 3 + 32 + 32
	ballotEntryBytes     = 1 + 16 + 4 + 32
	closingEntryBytes    = 1 + 4 + 4 + 8 + 8 + 4*32
)

// definitionForm is the form of the definition entry; there is one so far.
const definitionForm = 1

// Derivation is how voter keys are made. Derivation 2, VoterKey, is the only one: it is
// called so because a key of derivation 1 could not be opened by its voter.
type Derivation uint8

// KeyThatOpens is the derivation of VoterKey.
const KeyThatOpens Derivation = 2

// DefinitionEntry is entry 0 of a log: it commits to the rules, so that options cannot be
// swapped afterwards.
//
//	'd' ‖ 0x01 ‖ derivation ‖ disclosure ‖ salt32 ‖ rules32        68 bytes
type DefinitionEntry struct {
	Derivation Derivation
	Disclosure uint8 // as in the definition of the poll: what is published of single ballots
	Salt       Hash  // CommitSalt of the poll's salt
	Rules      Hash  // SHA-256 of the canonical definition, title and times left out
}

// Append appends the 68 bytes of the entry.
func (e DefinitionEntry) Append(b []byte) []byte {
	b = append(b, definitionKind, definitionForm, byte(e.Derivation), e.Disclosure)
	b = append(b, e.Salt[:]...)
	return append(b, e.Rules[:]...)
}

// ParseDefinitionEntry reads what Append wrote.
func ParseDefinitionEntry(b []byte) (DefinitionEntry, error) {
	if err := checkEntry(b, definitionKind, definitionEntryBytes, "the definition"); err != nil {
		return DefinitionEntry{}, err
	}
	if b[1] != definitionForm {
		return DefinitionEntry{}, fmt.Errorf("%w: the definition entry has form %d, and this program knows form %d", ErrMalformed, b[1], definitionForm)
	}
	e := DefinitionEntry{Derivation: Derivation(b[2]), Disclosure: b[3], Salt: Hash(b[4:36]), Rules: Hash(b[36:68])}
	if e.Derivation != KeyThatOpens {
		return DefinitionEntry{}, fmt.Errorf("%w: voter keys are of derivation %d, and this program knows derivation %d", ErrMalformed, e.Derivation, KeyThatOpens)
	}
	return e, nil
}

// BallotEntry is one ballot, for everybody to see: whose key, which earlier ballot it
// replaces, and a seal over the rest.
//
//	'b' ‖ key16 ‖ u32 supersedes ‖ seal32        53 bytes
type BallotEntry struct {
	Key        [16]byte // VoterKey
	Supersedes uint32   // number of the ballot that this one replaces; 0 for a first ballot
	Seal       Hash     // Opening.Seal
}

// Append appends the 53 bytes of the entry.
func (e BallotEntry) Append(b []byte) []byte {
	b = append(b, ballotKind)
	b = append(b, e.Key[:]...)
	b = binary.BigEndian.AppendUint32(b, e.Supersedes)
	return append(b, e.Seal[:]...)
}

// Leaf returns the hash of the entry as a leaf.
func (e BallotEntry) Leaf() Hash {
	var b [ballotEntryBytes]byte
	return LeafHash(e.Append(b[:0]))
}

// ParseBallotEntry reads what Append wrote.
func ParseBallotEntry(b []byte) (BallotEntry, error) {
	if err := checkEntry(b, ballotKind, ballotEntryBytes, "a ballot"); err != nil {
		return BallotEntry{}, err
	}
	return BallotEntry{Key: [16]byte(b[1:17]), Supersedes: binary.BigEndian.Uint32(b[17:21]), Seal: Hash(b[21:53])}, nil
}

// ClosingEntry is the last entry of a log, written when the poll has closed.
//
//	'x' ‖ u32 records ‖ u32 voters ‖ u64 closed_index ‖ u64 closed_at ‖ definition32
//	    ‖ profile32 ‖ roll32 ‖ superseded32        153 bytes
type ClosingEntry struct {
	Records     uint32 // ballots in the log, replaced ones too
	Voters      uint32 // ballots that were not replaced
	ClosedIndex uint64 // index in the cluster's own log at which the poll closed
	ClosedAt    uint64 // milliseconds since the Unix epoch
	Definition  Hash   // SHA-256 of the canonical definition as it was at the close
	Profile     Hash   // HashProfile of the ballots that were not replaced
	Roll        Hash   // of the electoral roll; zero without one
	Superseded  Hash   // Superseded.Root: which ballots were replaced
}

// Append appends the 153 bytes of the entry.
func (e ClosingEntry) Append(b []byte) []byte {
	b = append(b, closingKind)
	b = binary.BigEndian.AppendUint32(b, e.Records)
	b = binary.BigEndian.AppendUint32(b, e.Voters)
	b = binary.BigEndian.AppendUint64(b, e.ClosedIndex)
	b = binary.BigEndian.AppendUint64(b, e.ClosedAt)
	for _, h := range []Hash{e.Definition, e.Profile, e.Roll, e.Superseded} {
		b = append(b, h[:]...)
	}
	return b
}

// ParseClosingEntry reads what Append wrote.
func ParseClosingEntry(b []byte) (ClosingEntry, error) {
	if err := checkEntry(b, closingKind, closingEntryBytes, "the closing"); err != nil {
		return ClosingEntry{}, err
	}
	return ClosingEntry{
		Records:     binary.BigEndian.Uint32(b[1:]),
		Voters:      binary.BigEndian.Uint32(b[5:]),
		ClosedIndex: binary.BigEndian.Uint64(b[9:]),
		ClosedAt:    binary.BigEndian.Uint64(b[17:]),
		Definition:  Hash(b[25:57]),
		Profile:     Hash(b[57:89]),
		Roll:        Hash(b[89:121]),
		Superseded:  Hash(b[121:153]),
	}, nil
}

// CheckIn checks that the log of a head that was checked ends with this entry, by the hashes that
// View.Inclusion returned. It fails with ErrEnded or ErrNotInTree.
func (e ClosingEntry) CheckIn(h Head, path []Hash) error {
	at := uint64(e.Records) + 1
	if h.Size != at+1 {
		return fmt.Errorf("%w: it closed with %d ballots and so has %d entries, and the signed head has %d", ErrEnded, e.Records, at+1, h.Size)
	}
	if err := CheckInclusion(h.Root, h.Size, at, LeafHash(e.Append(nil)), path); err != nil {
		return fmt.Errorf("the closing of the log: %w", err)
	}
	return nil
}

// IsClosing reports whether an entry is one that closes a log.
func IsClosing(entry []byte) bool { return len(entry) > 0 && entry[0] == closingKind }

func checkEntry(b []byte, kind byte, size int, what string) error {
	switch {
	case len(b) == 0:
		return fmt.Errorf("%w: the entry is empty, and should be %s", ErrMalformed, what)
	case b[0] != kind:
		return fmt.Errorf("%w: the entry begins with %q, and %s with %q", ErrMalformed, b[0], what, kind)
	case len(b) != size:
		return fmt.Errorf("%w: the entry has %d bytes, and %s has %d", ErrMalformed, len(b), what, size)
	}
	return nil
}
