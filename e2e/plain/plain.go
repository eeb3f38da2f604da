// Package plain checks receipts and published logs of voted in the plainest way: in one file, written from the
// specifications alone, and with Go's standard library alone. It shares no line with package proof, so that a mistake
// in one is not also in the other, and it shows how little a checker needs.
//
// The specifications: RFC 9162, section 2.1 (hash tree and proofs), c2sp.org/signed-note, tlog-checkpoint,
// tlog-cosignature (v1), tlog-proof, tlog-tiles and tlog-policy. Of voted's own there are the bytes of an entry and of
// a voter's key, in docs/adr/0052-a-log-of-each-poll.md.
package plain

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// What a check finds wrong.
var (
	ErrForm      = errors.New("the file does not have the form that the specification gives it")
	ErrLog       = errors.New("the head is of another log than the policy")
	ErrSignature = errors.New("a signature of a key that the policy names is false")
	ErrQuorum    = errors.New("fewer signed the head than the policy asks for")
	ErrVoter     = errors.New("the ballot is another voter's")
	ErrTree      = errors.New("what was signed does not have this ballot")
	ErrEntries   = errors.New("the entries of the log are not those that were signed")
)

// key is a verifier key of c2sp.org/signed-note: NAME+ID+BASE64(type ‖ public key).
type key struct {
	name   string
	id     []byte
	kind   byte
	public ed25519.PublicKey
}

func parseKey(text string) (k key, err error) {
	part := strings.SplitN(text, "+", 3)
	if len(part) != 3 {
		return k, fmt.Errorf("%w: %q is no key", ErrForm, text)
	}
	b, err := base64.StdEncoding.DecodeString(part[2])
	if err != nil || len(b) != 1+ed25519.PublicKeySize {
		return k, fmt.Errorf("%w: %q is no key", ErrForm, text)
	}
	sum := sha256.Sum256(append([]byte(part[0]+"\n"), b...))
	if fmt.Sprintf("%x", sum[:4]) != part[1] {
		return k, fmt.Errorf("%w: the id of the key %q is not its own", ErrForm, text)
	}
	return key{part[0], sum[:4], b[0], b[1:]}, nil
}

// The types of keys: c2sp.org/signed-note and tlog-cosignature.
const (
	logKey      = 1
	cosignerKey = 4
)

// policy is a policy of c2sp.org/tlog-policy.
type policy struct {
	logs      []key
	witnesses map[string]key
	groups    []group // each after its members
	quorum    string
}

type group struct {
	name    string
	need    int
	members []string
}

func parsePolicy(text []byte) (p policy, err error) {
	p.witnesses = map[string]key{}
	for line := range strings.Lines(string(text)) {
		word := strings.Fields(line)
		switch {
		case len(word) == 0 || strings.HasPrefix(word[0], "#"):
		case word[0] == "log" && len(word) >= 2:
			k, err := parseKey(word[1])
			if err != nil {
				return p, err
			}
			p.logs = append(p.logs, k)
		case word[0] == "witness" && len(word) >= 3:
			if p.witnesses[word[1]], err = parseKey(word[2]); err != nil {
				return p, err
			}
		case word[0] == "group" && len(word) >= 4:
			g := group{word[1], 1, word[3:]} // any
			if word[2] == "all" {
				g.need = len(g.members)
			} else if word[2] != "any" {
				if g.need, err = strconv.Atoi(word[2]); err != nil || g.need < 1 {
					return p, fmt.Errorf("%w: %q", ErrForm, line)
				}
			}
			p.groups = append(p.groups, g)
		case word[0] == "quorum" && len(word) == 2:
			p.quorum = word[1]
		default:
			return p, fmt.Errorf("%w: %q", ErrForm, line)
		}
	}
	return p, nil
}

// head is a checkpoint (c2sp.org/tlog-checkpoint) that was checked.
type head struct {
	size uint64
	root []byte
}

// open checks a signed note under a policy, and reads the checkpoint in it.
func open(note []byte, p policy) (h head, err error) {
	at := bytes.LastIndex(note, []byte("\n\n"))
	if at < 0 {
		return h, fmt.Errorf("%w: the head has no signatures", ErrForm)
	}
	text, signatures := string(note[:at+1]), string(note[at+2:])
	line := strings.Split(text, "\n")
	if len(line) < 4 {
		return h, fmt.Errorf("%w: a head has three lines", ErrForm)
	}
	origin := line[0]
	h.size, err = strconv.ParseUint(line[1], 10, 63)
	root, err2 := base64.StdEncoding.DecodeString(line[2])
	if err != nil || err2 != nil || len(root) != sha256.Size {
		return h, fmt.Errorf("%w: a head has a size and a root", ErrForm)
	}
	h.root = root
	if !slices.ContainsFunc(p.logs, func(k key) bool { return k.name == origin }) {
		return h, fmt.Errorf("%w: it is of %s", ErrLog, origin)
	}
	byLog, signed := false, map[string]bool{}
	for line := range strings.Lines(signatures) {
		name, sig, err := parseSignature(line)
		if err != nil {
			return h, err
		}
		for _, k := range p.logs {
			if good, err := k.signed(name, sig, text); err != nil {
				return h, err
			} else if good && k.name == origin && k.kind == logKey {
				byLog = true
			}
		}
		for witness, k := range p.witnesses {
			if good, err := k.signed(name, sig, text); err != nil {
				return h, err
			} else if good && k.kind == cosignerKey {
				signed[witness] = true
			}
		}
	}
	for _, g := range p.groups {
		n := 0
		for _, m := range g.members {
			if signed[m] {
				n++
			}
		}
		signed[g.name] = n >= g.need
	}
	if !byLog || !signed[p.quorum] { // "none" is no name of a witness, and is refused so
		return h, ErrQuorum
	}
	return h, nil
}

// parseSignature reads a line "— NAME BASE64(key id ‖ signature)" of a note.
func parseSignature(line string) (name string, sig []byte, err error) {
	name, text, ok := strings.Cut(strings.TrimPrefix(strings.TrimSuffix(line, "\n"), "— "), " ")
	sig, err = base64.StdEncoding.DecodeString(text)
	if !ok || err != nil || len(sig) < 5 {
		return name, nil, fmt.Errorf("%w: %q is no signature", ErrForm, line)
	}
	return name, sig, nil
}

// signed reports whether a signature is this key's. One that claims to be and is not is an error.
func (k key) signed(name string, sig []byte, text string) (bool, error) {
	if name != k.name || !bytes.Equal(sig[:4], k.id) {
		return false, nil
	}
	message, sig := []byte(text), sig[4:]
	if k.kind == cosignerKey {
		if len(sig) != 8+ed25519.SignatureSize {
			return false, fmt.Errorf("%w: that of %s", ErrSignature, name)
		}
		message = fmt.Appendf(nil, "cosignature/v1\ntime %d\n%s", binary.BigEndian.Uint64(sig), text)
		sig = sig[8:]
	}
	if len(sig) != ed25519.SignatureSize || !ed25519.Verify(k.public, message, sig) {
		return false, fmt.Errorf("%w: that of %s", ErrSignature, name)
	}
	return true, nil
}

func hash(parts ...[]byte) []byte {
	sum := sha256.Sum256(bytes.Join(parts, nil))
	return sum[:]
}

func leaf(entry []byte) []byte       { return hash([]byte{0}, entry) }
func node(left, right []byte) []byte { return hash([]byte{1}, left, right) }
func number(n uint32) []byte         { return binary.BigEndian.AppendUint32(nil, n) }
func voterKey(v []byte, voter string) []byte {
	return hash([]byte("voted/key/1"), v, []byte(voter))[:16]
}

// Receipt checks that a receipt (c2sp.org/tlog-proof) shows a ballot of a voter under a policy, and returns the
// ballot's number.
func Receipt(file, policyText []byte, voter string) (ballot uint64, err error) {
	p, err := parsePolicy(policyText)
	if err != nil {
		return 0, err
	}
	top, note, ok := bytes.Cut(file, []byte("\n\n"))
	line := strings.Split(string(top), "\n")
	if !ok || len(line) < 3 || line[0] != "c2sp.org/tlog-proof@v1" {
		return 0, fmt.Errorf("%w: it is no proof", ErrForm)
	}
	extra, hasExtra := strings.CutPrefix(line[1], "extra ")
	index, hasIndex := strings.CutPrefix(line[2], "index ")
	ballot, err = strconv.ParseUint(index, 10, 63)
	if !hasExtra || !hasIndex || err != nil {
		return 0, fmt.Errorf("%w: it is no proof of a ballot", ErrForm)
	}
	var path [][]byte
	for _, text := range line[3:] {
		h, err := base64.StdEncoding.DecodeString(text)
		if err != nil || len(h) != sha256.Size {
			return 0, fmt.Errorf("%w: %q is no hash", ErrForm, text)
		}
		path = append(path, h)
	}
	entry, err := entryOf(extra, voter)
	if err != nil {
		return 0, err
	}
	h, err := open(note, p)
	if err != nil {
		return 0, err
	}
	if !bytes.Equal(rootFrom(leaf(entry), ballot, h.size, path), h.root) {
		return 0, ErrTree
	}
	return ballot, nil
}

// entryOf makes the entry of a ballot of the extra data in a receipt, for its key is not believed.
func entryOf(text, voter string) ([]byte, error) {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("%w: the extra data is not base64", ErrForm)
	}
	var extra struct {
		Voter      string `json:"voter"`
		KeyNonce   []byte `json:"key_nonce"`
		Key        []byte `json:"key"`
		Supersedes uint32 `json:"supersedes"`
		Seal       []byte `json:"seal"`
	}
	if err := json.Unmarshal(b, &extra); err != nil || len(extra.KeyNonce) != 16 || len(extra.Seal) != 32 {
		return nil, fmt.Errorf("%w: the extra data is not that of a receipt", ErrForm)
	}
	key := voterKey(extra.KeyNonce, voter)
	if extra.Voter != voter || !bytes.Equal(key, extra.Key) {
		return nil, ErrVoter
	}
	return slices.Concat([]byte("b"), key, number(extra.Supersedes), extra.Seal), nil
}

// rootFrom computes the root of a tree from a leaf and its path (RFC 9162, section 2.1.3.2); nil where the path is not
// one of that leaf.
func rootFrom(r []byte, index, size uint64, path [][]byte) []byte {
	if index >= size {
		return nil
	}
	fn, sn := index, size-1
	for _, p := range path {
		if sn == 0 {
			return nil
		}
		if fn&1 == 1 || fn == sn {
			r = node(p, r)
			for fn&1 == 0 && fn != 0 {
				fn, sn = fn>>1, sn>>1
			}
		} else {
			r = node(r, p)
		}
		fn, sn = fn>>1, sn>>1
	}
	if sn != 0 {
		return nil
	}
	return r
}

// Log checks that the entries of a published log (c2sp.org/tlog-tiles) are those that a quorum signed, and returns how
// many there are.
func Log(files fs.FS, policyText []byte) (size uint64, err error) {
	p, err := parsePolicy(policyText)
	if err != nil {
		return 0, err
	}
	note, err := fs.ReadFile(files, "checkpoint")
	if err != nil {
		return 0, err
	}
	h, err := open(note, p)
	if err != nil {
		return 0, err
	}
	var leaves [][]byte
	for n := uint64(0); n*256 < h.size; n++ {
		b, err := fs.ReadFile(files, bundle(n, min(256, h.size-n*256)))
		if err != nil {
			return 0, fmt.Errorf("%w: %w", ErrEntries, err)
		}
		for len(b) >= 2 {
			end := 2 + int(binary.BigEndian.Uint16(b))
			if end > len(b) {
				return 0, fmt.Errorf("%w: an entry is cut off", ErrEntries)
			}
			leaves = append(leaves, leaf(b[2:end]))
			b = b[end:]
		}
	}
	if uint64(len(leaves)) != h.size || !bytes.Equal(root(leaves), h.root) {
		return 0, ErrEntries
	}
	return h.size, nil
}

// bundle names the file of 256 entries, or of the first of them.
func bundle(n, entries uint64) string {
	name := fmt.Sprintf("%03d", n%1000)
	for n >= 1000 {
		n /= 1000
		name = fmt.Sprintf("x%03d/%s", n%1000, name)
	}
	if entries < 256 {
		name += fmt.Sprintf(".p/%d", entries)
	}
	return "tile/entries/" + name
}

// root is the hash of a tree (RFC 9162, section 2.1.1).
func root(leaves [][]byte) []byte {
	switch len(leaves) {
	case 0:
		return hash()
	case 1:
		return leaves[0]
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	return node(root(leaves[:k]), root(leaves[k:]))
}
