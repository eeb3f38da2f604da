package backup

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"voted/internal/fsm"
	"voted/internal/poll"
	"voted/internal/refusal"
)

// uploadPattern names the files of unfinished uploads. A crash may leave one; see Sweep.
const uploadPattern = "restore-*.upload"

// Upload is a backup that was received and checked. The caller must close it.
type Upload struct {
	Info  fsm.BackupInfo
	Polls poll.Holdings // what it holds
	Size  int64
	Sum   poll.Digest // SHA-256 of the whole

	file *os.File
}

// Receive writes a backup from r to a file in dir, then reads it back and checks all of it.
// Errors that the sender may see are *refusal.Error: it is not a backup, is damaged, or
// does not fit on the disk.
func Receive(dir string, r io.Reader) (_ *Upload, err error) {
	f, err := os.CreateTemp(dir, uploadPattern)
	if err != nil {
		return nil, ofDisk(err)
	}
	u := &Upload{file: f}
	defer func() {
		if err != nil {
			u.Close()
		}
	}()
	sum := sha256.New()
	if u.Size, err = io.Copy(io.MultiWriter(&diskWriter{f}, sum), r); err != nil {
		return nil, err
	}
	sum.Sum(u.Sum[:0])
	if _, err = f.Seek(0, io.SeekStart); err != nil {
		return nil, ofDisk(err)
	}
	info, state, err := fsm.ReadBackup(f)
	if err != nil {
		return nil, refusal.New(refusal.InvalidBackup, "The backup cannot be used: %v. Nothing was changed; take another copy of it, or an older backup.", err)
	}
	u.Info, u.Polls = info, state.Holdings()
	return u, nil
}

// ReadAt implements io.ReaderAt.
func (u *Upload) ReadAt(p []byte, at int64) (int, error) { return u.file.ReadAt(p, at) }

// Close removes the file.
func (u *Upload) Close() {
	_ = u.file.Close() // it was only read
	_ = os.Remove(u.file.Name())
}

// diskWriter marks errors of the disk, to distinguish them from the sender's.
type diskWriter struct{ f *os.File }

func (d *diskWriter) Write(b []byte) (int, error) {
	n, err := d.f.Write(b)
	return n, ofDisk(err)
}

// ofDisk turns a full disk into a refusal.
func ofDisk(err error) error {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return &refusal.Error{
			Code:   refusal.StorageFull,
			Detail: "This node's disk has no room for the backup; nothing was changed. Free some space, or send it to another node.",
			Cause:  err,
		}
	}
	return err
}

// Sweep removes unfinished uploads that a crash left in dir.
func Sweep(dir string) error {
	left, err := filepath.Glob(filepath.Join(dir, uploadPattern))
	if err != nil {
		return err
	}
	for _, name := range left {
		if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("what is left of an upload cannot be removed: %w", err)
		}
	}
	return nil
}
