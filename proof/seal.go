package proof

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"iter"
)

// What a hash is made for is its first bytes, so none can stand for another.
const (
	sealKeyTag    = "voted/sealkey/1"
	voterNonceTag = "voted/voter/1"
	voterKeyTag   = "voted/key/1"
	nonceTag      = "voted/nonce/1"
	sealTag       = "voted/seal/1"
	saltTag       = "voted/salt/1"
)

// stackBytes is up to which size what is hashed needs no memory of its own.
const stackBytes = 128

// VoterNonce returns what opens the key of a voter, and is for that voter alone:
// SHA-256("voted/voter/1" ‖ salt ‖ voter id)[:16]. Salt is the poll's.
func VoterNonce[V ~string | ~[]byte](salt [16]byte, voter V) [16]byte {
	return half(append(append(append(make([]byte, 0, stackBytes), voterNonceTag...), salt[:]...), voter...))
}

// VoterKey returns the key under which the ballots of a voter stand in the log:
// SHA-256("voted/key/1" ‖ nonce ‖ voter id)[:16]. With the nonce a voter can compute it;
// without it nobody can find out whose key it is.
func VoterKey[V ~string | ~[]byte](nonce [16]byte, voter V) [16]byte {
	return half(append(append(append(make([]byte, 0, stackBytes), voterKeyTag...), nonce[:]...), voter...))
}

// CommitSalt returns what the definition entry shows of a poll's salt:
// SHA-256("voted/salt/1" ‖ salt).
func CommitSalt(salt [16]byte) Hash {
	return sha256.Sum256(append(append(make([]byte, 0, stackBytes), saltTag...), salt[:]...))
}

// SealKey returns the secret of a poll that the nonces of its seals are made of:
// SHA-256("voted/sealkey/1" ‖ salt ‖ poll id). Whoever has it can open all ballots.
func SealKey(salt [16]byte, poll string) [32]byte {
	return sha256.Sum256(append(append(append(make([]byte, 0, stackBytes), sealKeyTag...), salt[:]...), poll...))
}

// SealNonce returns what hides the content of one ballot, by its number in the log:
// SHA-256("voted/nonce/1" ‖ seal key ‖ u32 ballot)[:16]. It opens that ballot alone.
func SealNonce(key [32]byte, ballot uint32) [16]byte {
	b := append(append(make([]byte, 0, stackBytes), nonceTag...), key[:]...)
	return half(binary.BigEndian.AppendUint32(b, ballot))
}

func half(b []byte) [16]byte {
	h := sha256.Sum256(b)
	return [16]byte(h[:16])
}

// Opening is what a seal hides. Whoever holds it knows how the voter voted.
type Opening struct {
	Nonce      [16]byte // SealNonce
	Version    uint32   // of the voter's ballot: 1 for the first, one more for each replacement
	Index      uint64   // index of the ballot in the cluster's own log
	CastAt     uint64   // milliseconds since the Unix epoch
	Selections []byte   // the choice, in the canonical encoding of the poll's rules
}

// Seal returns SHA-256("voted/seal/1" ‖ nonce ‖ u32 version ‖ u64 index ‖ u64 cast_at ‖
// selections).
func (o Opening) Seal() Hash {
	b := append(append(make([]byte, 0, stackBytes), sealTag...), o.Nonce[:]...)
	b = binary.BigEndian.AppendUint32(b, o.Version)
	b = binary.BigEndian.AppendUint64(b, o.Index)
	b = binary.BigEndian.AppendUint64(b, o.CastAt)
	return sha256.Sum256(append(b, o.Selections...))
}

// ProfileLine is one way of filling in the ballot, and how many did so.
type ProfileLine struct {
	Selections []byte // in the canonical encoding of the poll's rules
	Ballots    uint64
	Weight     uint64 // sum of the weights of these voters; Ballots in polls without weights
}

// HashProfile returns the hash of a profile: SHA-256 over uvarint length ‖ selections ‖
// u64 ballots ‖ u64 weight of each line. The lines come in ascending order of their
// selections, each selections once; it fails otherwise.
func HashProfile(lines iter.Seq[ProfileLine]) (Hash, error) {
	d := sha256.New()
	var last, b []byte
	first := true
	for l := range lines {
		if !first && bytes.Compare(last, l.Selections) >= 0 {
			return Hash{}, fmt.Errorf("%w: the lines of a profile must be in ascending order of their selections, each once; %x comes after %x", ErrMalformed, l.Selections, last)
		}
		first, last = false, append(last[:0], l.Selections...)
		b = binary.AppendUvarint(b[:0], uint64(len(l.Selections)))
		b = append(b, l.Selections...)
		b = binary.BigEndian.AppendUint64(b, l.Ballots)
		b = binary.BigEndian.AppendUint64(b, l.Weight)
		d.Write(b)
	}
	return Hash(d.Sum(nil)), nil
}
