package backup

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"voted/internal/fsm"
)

// WriteFile writes a backup under another name, syncs it, reads it back and checks it,
// and only then gives it its name: what is there under it is whole and durable.
func WriteFile(name string, write func(w io.Writer) error) (info fsm.BackupInfo, size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(name), "."+filepath.Base(name)+".partial-*")
	if err != nil {
		return info, 0, err
	}
	defer os.Remove(f.Name()) // it is gone once it has been renamed
	defer f.Close()
	out := bufio.NewWriterSize(f, 256<<10)
	if err := errors.Join(write(out), out.Flush()); err != nil {
		return info, 0, err
	}
	if err := f.Sync(); err != nil {
		return info, 0, err
	}
	if size, err = f.Seek(0, io.SeekCurrent); err != nil {
		return info, 0, err
	}
	if _, err := f.Seek(0, io.SeekStart); err != nil {
		return info, 0, err
	}
	if info, err = fsm.CheckBackup(f); err != nil {
		return info, 0, fmt.Errorf("what was written is not a whole backup: %w", err)
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return info, 0, err
	}
	return info, size, syncDir(filepath.Dir(name))
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Check reads a whole backup and checks that it is as it was written.
func Check(r io.Reader) (fsm.BackupInfo, error) { return fsm.CheckBackup(r) }
