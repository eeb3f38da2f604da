package auth

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"

	"voted/internal/livefile"
)

const (
	// tokenPrefix shows people, and scanners for leaked secrets, what it is.
	tokenPrefix = "voted_"
	// tokenBytes is 256 bits: too many to guess, so a plain hash of it is safe to keep.
	tokenBytes = 32
	// maxTokens bounds a file; each presented token is compared with all of them.
	maxTokens = 1024
)

// NewToken makes a random bearer token and returns it with the line for the file of
// tokens. The token itself is stored nowhere.
func NewToken(roles Roles, name string) (token, line string, err error) {
	if !nameLike.MatchString(name) {
		return "", "", fmt.Errorf("%q cannot be the name of a token; use letters, digits, '.', '_', '~' or '-'", name)
	}
	var b [tokenBytes]byte
	if _, err := rand.Read(b[:]); err != nil {
		return "", "", err
	}
	token = tokenPrefix + base64.RawURLEncoding.EncodeToString(b[:])
	hash := sha256.Sum256([]byte(token))
	return token, roles.String() + " " + name + " " + hex.EncodeToString(hash[:]), nil
}

var nameLike = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._~-]{0,63}$`)

type hashed struct {
	hash [sha256.Size]byte
	who  Identity
}

// Tokens are the bearer tokens of a file.
type Tokens struct {
	file *livefile.Set[[]hashed]
}

// OpenTokens reads a file of tokens, one a line: roles, name, SHA-256 in hex. Empty
// lines and those that begin with # are ignored. It is read again when it changes:
// removing a line ends its token.
func OpenTokens(w *livefile.Watch, path string) (*Tokens, error) {
	file, err := livefile.Open(w, func(contents [][]byte) ([]hashed, error) {
		all, err := parseTokens(contents[0])
		if err != nil {
			return nil, fmt.Errorf("the file of tokens %s cannot be used: %w", path, err)
		}
		return all, nil
	}, path)
	if err != nil {
		return nil, err
	}
	return &Tokens{file}, nil
}

func parseTokens(b []byte) ([]hashed, error) {
	var all []hashed
	names := map[string]bool{}
	number := 0
	for line := range bytes.Lines(b) {
		number++
		fields := strings.Fields(string(line))
		if len(fields) == 0 || strings.HasPrefix(fields[0], "#") {
			continue
		}
		// Errors do not repeat the line: it may hold a token by mistake.
		t, err := parseToken(fields)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", number, err)
		}
		if names[t.who.Name] {
			return nil, fmt.Errorf("line %d: the name stands twice; give each token its own, so that the audit log can distinguish them", number)
		}
		names[t.who.Name] = true
		all = append(all, t)
		if len(all) > maxTokens {
			return nil, fmt.Errorf("line %d: at most %d tokens can be used", number, maxTokens)
		}
	}
	return all, nil
}

func parseToken(fields []string) (t hashed, err error) {
	if len(fields) != 3 {
		return t, fmt.Errorf("it has %d fields, not three: roles, name, SHA-256; `voted token new` writes such lines", len(fields))
	}
	if t.who.Roles, err = ParseRoles(fields[0]); err != nil {
		return t, err
	}
	if !nameLike.MatchString(fields[1]) {
		return t, fmt.Errorf("the name of the token must be letters, digits, '.', '_', '~' or '-'")
	}
	t.who.Name = fields[1]
	hash, err := hex.DecodeString(fields[2])
	if err != nil || len(hash) != sha256.Size {
		return t, fmt.Errorf("the third field is no SHA-256 in hex; `voted token new` writes such lines")
	}
	copy(t.hash[:], hash)
	return t, nil
}

// find returns the identity of a token. It takes the same time wherever the token is in
// the file, and if it is missing.
func (t *Tokens) find(token string) (who Identity, ok bool) {
	hash := sha256.Sum256([]byte(token))
	all := t.file.Now()
	found := -1
	for i := range all {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(all[i].hash[:], hash[:]), i, found)
	}
	if found < 0 {
		return who, false
	}
	return all[found].who, true
}

// AddToken adds a line from NewToken to a file of tokens. A missing file is made,
// readable by its owner only. It refuses a name that is there already, and does not
// change a file that cannot be read.
func AddToken(path, line string) error {
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return livefile.Unreadable(path, err)
	}
	if len(old) > 0 && old[len(old)-1] != '\n' {
		line = "\n" + line
	}
	if _, err := parseTokens(append(old, line+"\n"...)); err != nil {
		return fmt.Errorf("the token cannot be added to %s: %w", path, err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return livefile.Unreadable(path, err)
	}
	_, err = f.WriteString(line + "\n")
	return errors.Join(err, f.Sync(), f.Close())
}
