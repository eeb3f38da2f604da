package witness

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"voted/internal/outfile"
)

// Dir is a Store of one file a log: the last head, a signed note. Do not put back an older
// copy of it: then the witness would sign what contradicts its own signatures.
type Dir string

// OpenDir makes the directory if it is missing.
func OpenDir(dir string) (Dir, error) { return Dir(dir), os.MkdirAll(dir, 0o700) }

// name is the file of a log. Names of logs are chosen by others, so they name no file.
func (d Dir) name(origin string) string {
	h := sha256.Sum256([]byte(origin))
	return filepath.Join(string(d), hex.EncodeToString(h[:16])+".checkpoint")
}

// Last returns the last head of a log.
func (d Dir) Last(origin string) ([]byte, error) {
	b, err := os.ReadFile(d.name(origin))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return b, err
}

// Keep writes the head, synced, in the place of the one before.
func (d Dir) Keep(origin string, note []byte) error {
	f, err := outfile.Create(d.name(origin))
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := f.Write(note); err != nil {
		return err
	}
	return f.Commit()
}
