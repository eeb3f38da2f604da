package poll

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"slices"
)

// TokenHash is the SHA-256 of a join token. The token itself is never in the state:
// who reads a log, a snapshot or a backup learns nothing that lets a member in.
type TokenHash [sha256.Size]byte

// The limits of join tokens.
const (
	// MaxTokenTTL bounds how long a join token lives, in milliseconds: a week.
	MaxTokenTTL int64 = 7 * 24 * 3600 * 1000
	// tokenMemory is how long one that has expired is still known as such, in
	// milliseconds: long enough that who comes too late hears why.
	tokenMemory int64 = 24 * 3600 * 1000
	// MaxJoinTokens bounds what is remembered; each is compared with what is presented.
	MaxJoinTokens = 1024
	// MaxDiskBytes bounds the name of a member's disk.
	MaxDiskBytes = 64
)

// tokenState says what may still be done with a join token.
type tokenState byte

const (
	tokenOpen  tokenState = 0
	tokenUsed  tokenState = 1 // by the member on one disk, which may ask again while its answer is lost
	tokenSpent tokenState = 2 // used, and its member was removed since
	tokenVoid  tokenState = 3 // withdrawn before it was used
)

var errTokens = errors.New("join tokens: an entry cannot be")

// joinToken is what is remembered of one join token.
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

// find returns the place of a token, -1 where it is not known. It looks at all of
// them, and compares in constant time.
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

// IssueToken is the command that gives out a join token for one member id. Earlier
// ones for that id which nobody used are void from then on. It is known by its hash
// when it comes again.
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
	eventTokenIssued  = 't'
	eventTokenUsed    = 'u'
	eventTokenRevoked = 'w'
)

func (s *State) issueToken(c IssueToken) Result {
	if !ValidID(c.Member) || c.TTL < 1 || c.TTL > MaxTokenTTL {
		return s.fail("", Refuse(CodeMalformedRequest, "A join token is for one member id, and lives for up to 7 days."))
	}
	if s.tokens.find(&c.Hash) >= 0 {
		return Result{Index: s.index} // also where it was withdrawn since: as it came first
	}
	keep := make([]joinToken, 0, len(s.tokens.all)+1)
	for _, k := range s.tokens.all {
		if k.member == c.Member && k.state == tokenOpen {
			k.state = tokenVoid
		}
		keep = append(keep, k)
	}
	if len(keep) >= MaxJoinTokens {
		// Those that nobody can use any more give way, the oldest first.
		i := slices.IndexFunc(keep, func(k joinToken) bool { return k.state == tokenVoid || k.expires <= s.clock })
		if i < 0 {
			return s.fail("", Refuse(CodeTooManyRequests, "%d join tokens are remembered, which is as many as there may be; wait until the first of them expires.", MaxJoinTokens))
		}
		keep = slices.Delete(keep, i, i+1)
	}
	s.tokens.all = append(keep, joinToken{hash: c.Hash, member: c.Member, expires: s.clock + c.TTL})
	s.event(eventTokenIssued, c.Member, binary.LittleEndian.AppendUint64(c.Hash[:], uint64(c.TTL)))
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
		s.event(eventTokenUsed, c.Member, append(c.Hash[:], c.Disk...))
	}
	return Result{Index: s.index}
}

// usable returns the place of a token that lets its bearer in at a time. Its
// sentences tell who does not hold the token nothing about others.
func (s *State) usable(c RedeemToken, clock int64) (int, *Error) {
	if !ValidID(c.Member) || c.Disk == "" || len(c.Disk) > MaxDiskBytes {
		return -1, Refuse(CodeMalformedRequest, "A join token is used by a member that names itself and its disk.")
	}
	again := "; have a new one made with `voted cluster token " + c.Member + "`."
	i := s.tokens.find(&c.Hash)
	if i < 0 || s.tokens.all[i].state == tokenVoid {
		return -1, Refuse(CodeForbidden, "This join token is not known here, or was withdrawn%s", again)
	}
	switch k := s.tokens.all[i]; {
	case k.member != c.Member:
		return i, Refuse(CodeForbidden, "This join token was made for another member than %s%s", c.Member, again)
	case k.state == tokenUsed && k.disk == c.Disk:
		return i, nil
	case k.state != tokenOpen:
		return i, Refuse(CodeForbidden, "This join token was used already, and each lets a member in once%s", again)
	case k.expires <= clock:
		return i, Refuse(CodeForbidden, "This join token has expired%s", again)
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
		s.event(eventTokenRevoked, member, nil)
	}
	return Result{Index: s.index}
}

// end takes from a token whatever it could still be used for.
func (k *joinToken) end() {
	switch k.state {
	case tokenOpen:
		k.state = tokenVoid
	case tokenUsed:
		k.state, k.disk = tokenSpent, ""
	}
}

// TokenUsable says why a join token would not let a member in at a time, nil where it
// would: for a look before anything is proposed.
func (s *State) TokenUsable(c RedeemToken, clock int64) *Error {
	_, err := s.usable(c, max(s.clock, clock))
	return err
}

// TokenExpiry returns until when a token is good, in milliseconds since the Unix
// epoch; 0 where it is not known, or no longer good.
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

// AppendTokens appends the encoding of the view's join tokens, nothing where there
// are none.
func (v *View) AppendTokens(b []byte) []byte {
	if len(v.tokens) == 0 {
		return b
	}
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
	if c.Err() != nil || c.Len() != 0 || len(l.state.tokens.all) == 0 {
		return errTokens
	}
	return nil
}
