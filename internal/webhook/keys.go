package webhook

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"

	"voted/internal/livefile"
)

// keyBytes is the size of every key here: that of the hash with which it signs.
const keyBytes = sha256.Size

// Key signs deliveries to one endpoint. It shows itself in Secret alone.
type Key struct{ secret [keyBytes]byte }

// Secret returns the key as receivers are given it.
func (k Key) Secret() string { return "whsec_" + base64.StdEncoding.EncodeToString(k.secret[:]) }

// Format implements fmt.Formatter: whatever a key is printed with, it shows nothing.
func (k Key) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, "(a webhook key)") } // a State keeps no errors

// Generation names a key of an endpoint. Numbers are never drawn twice, so that an endpoint which
// is deleted and made again has other keys.
type Generation struct {
	Endpoint string // its id
	Number   uint64 // of the endpoint
	Key      uint32
}

// master is a line of a key file.
type master [keyBytes]byte

// key derives a key of an endpoint: HMAC-SHA256 by the line of the file. So no key is in the log,
// in snapshots or in backups, and each member can make all of them.
func (m master) key(g Generation) (k Key) {
	b := append([]byte("voted-webhook\x00"), byte(len(g.Endpoint)))
	b = binary.BigEndian.AppendUint64(append(b, g.Endpoint...), g.Number)
	k.secret = m.derive(binary.BigEndian.AppendUint32(b, g.Key))
	return k
}

// fingerprint names the line without telling anything of it.
func (m master) fingerprint() string {
	sum := m.derive([]byte("voted-webhook-fingerprint"))
	return hex.EncodeToString(sum[:fingerprintBytes])
}

const fingerprintBytes = 8

func (m master) derive(about []byte) (sum [keyBytes]byte) {
	mac := hmac.New(sha256.New, m[:])
	_, _ = mac.Write(about) // a hash keeps no errors
	mac.Sum(sum[:0])
	return sum
}

// NewKeyLine draws a line of a key file.
func NewKeyLine() (string, error) {
	var m master
	if _, err := io.ReadFull(rand.Reader, m[:]); err != nil {
		return "", err
	}
	return base64.StdEncoding.EncodeToString(m[:]), nil
}

// Keys makes the keys of all endpoints. Its methods may be called from any goroutine.
type Keys struct{ file *livefile.Set[[]master] }

// OpenKeys reads a key file, and again whenever it changes: a line with a key, and in a second
// line, where there is one, the key that was there before. Empty lines and lines that begin with
// # say nothing.
func OpenKeys(w *livefile.Watch, path string) (*Keys, error) {
	file, err := livefile.Open(w, func(contents [][]byte) ([]master, error) {
		lines, err := parseKeys(contents[0])
		if err != nil {
			return nil, fmt.Errorf("%s cannot be used: %w; voted webhook key makes one", path, err)
		}
		return lines, nil
	}, path)
	if err != nil {
		return nil, err
	}
	return &Keys{file}, nil
}

var (
	errKeyLine  = errors.New("a line of it is no key of 32 bytes in base64")
	errNoKey    = errors.New("it has no key")
	errManyKeys = errors.New("it has more than two keys: the one that signs, and the one before")
	errTwice    = errors.New("both of its keys are the same")
)

// parseKeys reads a key file. No error shows anything of it.
func parseKeys(b []byte) (keys []master, err error) {
	for line := range bytes.Lines(b) {
		if line = bytes.TrimSpace(line); len(line) == 0 || line[0] == '#' {
			continue
		}
		key, err := base64.StdEncoding.Strict().DecodeString(string(line))
		if err != nil || len(key) != keyBytes {
			return nil, errKeyLine
		}
		if keys = append(keys, master(key)); len(keys) > 2 {
			return nil, errManyKeys
		}
	}
	switch {
	case len(keys) == 0:
		return nil, errNoKey
	case len(keys) == 2 && keys[0] == keys[1]:
		return nil, errTwice
	}
	return keys, nil
}

// Fingerprint names the key file without telling anything of its keys: members whose files
// differ show it. It is that of the first line, which signs.
func (k *Keys) Fingerprint() string { return k.file.Now()[0].fingerprint() }

// Key returns the key of a generation, which receivers are to know.
func (k *Keys) Key(g Generation) Key { return k.file.Now()[0].key(g) }

// Signing returns the keys that sign deliveries, the newest first: those of the generations in
// force, also by the second line of the file, which receivers may know still.
func (k *Keys) Signing(inForce ...Generation) (keys []Key) {
	for _, m := range k.file.Now() {
		for _, g := range inForce {
			keys = append(keys, m.key(g))
		}
	}
	return slices.Clip(keys)
}
