package proofkey

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"voted/internal/pki"
)

// Issued says what Issue found and did.
type Issued uint8

// What becomes of a proof key when a member's certificate is issued.
const (
	// Made: a new key and its certificates.
	Made Issued = iota + 1
	// Renewed: the key was there, and has new certificates.
	Renewed
	// Away: only the certificates were there, because the key was moved to its member.
	// Nothing was changed: another key would sign what no policy names.
	Away
)

// Files returns the names of the files of a member's proof key, and of its certificates.
func Files(dir, member string) (keyFile, certFile string) {
	return filepath.Join(dir, member+".proof.key"), filepath.Join(dir, member+".proof.crt")
}

// Issue makes a member's proof key in a directory and certifies it. A key that is there stays,
// for policies name it: a new one is made by moving both files away first.
func Issue(ca *pki.CA, dir, member string, now time.Time) (Issued, error) {
	keyFile, certFile := Files(dir, member)
	if _, err := os.Lstat(keyFile); errors.Is(err, fs.ErrNotExist) {
		if _, err := os.Lstat(certFile); err == nil {
			return Away, nil
		}
	}
	k, made, err := LoadOrMake(keyFile)
	if err != nil {
		return 0, err
	}
	public, err := k.Public(member)
	if err != nil {
		return 0, err
	}
	certs, err := ca.CertifyProof(public, now)
	if err != nil {
		return 0, err
	}
	if err := pki.Replace(certFile, certs); err != nil {
		return 0, fmt.Errorf("the key is in %s, and has no certificates yet; issue them again: %w", keyFile, err)
	}
	if made {
		return Made, nil
	}
	return Renewed, nil
}

// LoadOrMake reads the key in a file, and makes one where there is no such file. It never
// replaces one.
func LoadOrMake(path string) (k Key, made bool, err error) {
	k, err = Load(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return k, false, err
	}
	if k, err = New(); err != nil {
		return k, false, err
	}
	b, err := k.PEM()
	if err != nil {
		return k, false, err
	}
	return k, true, pki.WriteNew(path, b)
}
