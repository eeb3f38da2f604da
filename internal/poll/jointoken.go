package poll

import (
	"cmp"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"slices"

	"voted/internal/refusal"
)

// TokenHash is the SHA-256 of a join token. The token itself is never in the state: no
// one can join a cluster with what a log, a snapshot or a backup shows.
type TokenHash [sha256.Size]byte

// The limits of join tokens.
const (
	// MaxTokenTTL bounds how long a join token lives, in milliseconds: a week.
	MaxTokenTTL int64 = 7 * 24 * 3600 * 1000
	// tokenMemory is how long an expired one is remembered, in milliseconds: long enough
	// that a member that comes too late gets the reason.
	tokenMemory int64 = 24 * 3600 * 1000
	// MaxJoinTokens bounds what is remembered; each is compared with what is presented.
	MaxJoinTokens = 1024
	// MaxDiskBytes bounds the name of a member's disk.
	MaxDiskBytes = 64
)

// tokenState is what may still be done with a join token.
type tokenState byte

const (
	tokenOpen  tokenState = 0
	tokenUsed  tokenState = 1 // by the member on one disk, which may ask again because its answer may be lost
	tokenSpent tokenState = 2 // used, and its member was removed since
	tokenVoid  tokenState = 3 // withdrawn before it was used
)

var errTokens = errors.New("join tokens: an entry is not valid")

// joinToken is what the state keeps of one join token.
type joinToken struct {
	hash    TokenHash
	member  string
	expires int64
	state   tokenState
	disk    string // of the member that used it
}

// tokenTable remembers join tokens in the order in which they were given out. Its
// slice is never changed in place: views hold it.
type tokenTable struct{ all []joinToken }

// find returns the place of a token, -1 if it is not known. It compares with all of them,
// in constant time.
func (t *tokenTable) find(h *TokenHash) int {
	at := -1
	for i := range t.all {
		if subtle.ConstantTimeCompare(t.all[i].hash[:], h[:]) == 1 {
			at = i
		}
	}
	return at
}

// expire forgets what expired long ago.
func (t *tokenTable) expire(clock int64) {
	gone := func(k joinToken) bool { return k.expires+tokenMemory <= clock }
	if slices.ContainsFunc(t.all, gone) {
		t.all = slices.DeleteFunc(slices.Clone(t.all), gone)
	}
}

// set changes the token at a place.
func (t *tokenTable) set(i int, k joinToken) {
	t.all = slices.Clone(t.all)
	t.all[i] = k
}

// IssueToken is the command that gives out a join token for one member id, and makes
// earlier unused ones for that id void. A retry is recognised by its hash.
type IssueToken struct {
	Hash   TokenHash
	Member string
	TTL    int64 // milliseconds from now
}

// RedeemToken is the command that uses up a join token. The same member on the same
// disk may do so again, as long as it was not removed since: its answer may have
// been lost.
type RedeemToken struct {
	Hash   TokenHash
	Member string
	Disk   string // what the member drew when its data directory was first used
}

// RevokeTokens is the command that ends all join tokens of a member id.
type RevokeTokens struct{ Member string }

func (c IssueToken) apply(s *State) Result   { return s.issueToken(c) }
func (c RedeemToken) apply(s *State) Result  { return s.redeemToken(c) }
func (c RevokeTokens) apply(s *State) Result { return s.revokeTokens(c.Member) }

const (
	foldTokenIssued  = 't'
	foldTokenUsed    = 'u'
	foldTokenRevoked = 'w'
)

func (s *State) issueToken(c IssueToken) Result {
	if !ValidID(c.Member) || c.TTL < 1 || c.TTL > MaxTokenTTL {
		return s.fail("", refusal.For(refusal.TokenUnfit))
	}
	if s.tokens.find(&c.Hash) >= 0 {
		return Result{Index: s.index} // even if it was withdrawn since: the same answer as at first
	}
	keep := make([]joinToken, 0, len(s.tokens.all)+1)
	for _, k := range s.tokens.all {
		if k.member == c.Member && k.state == tokenOpen {
			k.state = tokenVoid
		}
		keep = append(keep, k)
	}
	if len(keep) >= MaxJoinTokens {
		// Those that can no longer be used are dropped, the oldest first.
		i := slices.IndexFunc(keep, func(k joinToken) bool { return k.state == tokenVoid || k.expires <= s.clock })
		if i < 0 {
			e := refusal.For(refusal.TokensFull)
			first := slices.MinFunc(keep, func(a, b joinToken) int { return cmp.Compare(a.expires, b.expires) })
			e.RetryAfter = first.expires - s.clock
			return s.fail("", e)
		}
		keep = slices.Delete(keep, i, i+1)
	}
	s.tokens.all = append(keep, joinToken{hash: c.Hash, member: c.Member, expires: s.clock + c.TTL})
	s.fold(foldTokenIssued, c.Member, binary.LittleEndian.AppendUint64(c.Hash[:], uint64(c.TTL)))
	return Result{Index: s.index}
}

func (s *State) redeemToken(c RedeemToken) Result {
	i, err := s.usable(c, s.clock)
	if err != nil {
		return s.fail("", err)
	}
	if k := s.tokens.all[i]; k.state == tokenOpen {
		k.state, k.disk = tokenUsed, c.Disk
		s.tokens.set(i, k)
		s.fold(foldTokenUsed, c.Member, append(c.Hash[:], c.Disk...))
	}
	return Result{Index: s.index}
}

// usable returns the place of a token that admits its bearer at a time. A refusal shows a
// caller without the token nothing about other tokens.
func (s *State) usable(c RedeemToken, clock int64) (int, *refusal.Error) {
	if !ValidID(c.Member) || c.Disk == "" || len(c.Disk) > MaxDiskBytes {
		return -1, refusal.For(refusal.TokenUnclaimed)
	}
	i := s.tokens.find(&c.Hash)
	if i < 0 || s.tokens.all[i].state == tokenVoid {
		return -1, refusal.For(refusal.TokenUnknown)
	}
	switch k := s.tokens.all[i]; {
	case k.member != c.Member:
		return i, refusal.For(refusal.TokenOfAnother)
	case k.state == tokenUsed && k.disk == c.Disk:
		return i, nil
	case k.state != tokenOpen:
		return i, refusal.For(refusal.TokenUsed)
	case k.expires <= clock:
		return i, refusal.For(refusal.TokenExpired)
	}
	return i, nil
}

func (s *State) revokeTokens(member string) Result {
	if s.HasTokens(member) {
		s.tokens.all = slices.Clone(s.tokens.all)
		for i := range s.tokens.all {
			if k := &s.tokens.all[i]; k.member == member {
				k.end()
			}
		}
		s.fold(foldTokenRevoked, member, nil)
	}
	return Result{Index: s.index}
}

// end makes a token useless.
func (k *joinToken) end() {
	switch k.state {
	case tokenOpen:
		k.state = tokenVoid
	case tokenUsed:
		k.state, k.disk = tokenSpent, ""
	}
}

// TokenUsable returns why a join token would not admit a member at a time, nil if it
// would. It is for a check before a proposal.
func (s *State) TokenUsable(c RedeemToken, clock int64) *refusal.Error {
	_, err := s.usable(c, max(s.clock, clock))
	return err
}

// TokenExpiry returns until when a token is valid, in milliseconds since the Unix epoch;
// 0 if it is not known, or no longer valid.
func (s *State) TokenExpiry(h TokenHash) int64 {
	if i := s.tokens.find(&h); i >= 0 && s.tokens.all[i].state == tokenOpen {
		return s.tokens.all[i].expires
	}
	return 0
}

// HasTokens reports whether there are join tokens of a member that RevokeTokens
// would end.
func (s *State) HasTokens(member string) bool {
	return slices.ContainsFunc(s.tokens.all, func(k joinToken) bool {
		return k.member == member && (k.state == tokenOpen || k.state == tokenUsed)
	})
}

// AppendTokens appends the encoding of the view's join tokens.
func (v *View) AppendTokens(b []byte) []byte {
	b = binary.AppendUvarint(b, uint64(len(v.tokens)))
	for _, k := range v.tokens {
		b = append(b, k.hash[:]...)
		b = appendString(b, k.member)
		b = binary.AppendUvarint(b, uint64(k.expires))
		b = appendString(append(b, byte(k.state)), k.disk)
	}
	return b
}

// Tokens loads what View.AppendTokens wrote.
func (l *Loader) Tokens(raw []byte) error {
	c := NewCursor(raw)
	for range c.Bounded(MaxJoinTokens) {
		var k joinToken
		c.fill(k.hash[:])
		k.member, k.expires = c.String(), int64(c.Bounded(maxTime+uint64(MaxTokenTTL)))
		k.state, k.disk = tokenState(c.Byte()), c.String()
		if k.state > tokenVoid {
			return errTokens
		}
		l.state.tokens.all = append(l.state.tokens.all, k)
	}
	if c.Err() != nil || c.Len() != 0 {
		return errTokens
	}
	return nil
}
