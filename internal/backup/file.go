package backup

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"voted/internal/fsm"
	"voted/internal/outfile"
)

// WriteFile writes a backup under a temporary name, syncs it, reads it back and checks it,
// and only then gives it its name: a file of that name is whole and durable. If the name is
// that of a device or a pipe, the backup is checked while it is written; after an error
// what was written must not be used.
func WriteFile(name string, write func(w io.Writer) error) (info fsm.BackupInfo, size int64, err error) {
	f, err := outfile.Create(name)
	if err != nil {
		return info, 0, err
	}
	defer f.Close()
	if f.Direct() {
		info, size, err = checkOnTheWay(f, write)
	} else {
		info, size, err = checkAfter(f, write)
	}
	if err != nil {
		return info, 0, err
	}
	return info, size, f.Commit()
}

// checkAfter reads back what was written.
func checkAfter(f *outfile.File, write func(w io.Writer) error) (info fsm.BackupInfo, size int64, err error) {
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
	return info, size, nil
}

// checkOnTheWay checks a backup while it is written, since it cannot be read back.
func checkOnTheWay(w io.Writer, write func(w io.Writer) error) (info fsm.BackupInfo, size int64, err error) {
	read, written := io.Pipe()
	checked := make(chan error, 1)
	go func() { // ends with the pipe
		var err error
		info, err = fsm.CheckBackup(read)
		if err != nil {
			err = fmt.Errorf("what was written is not a whole backup: %w", err)
		}
		_, _ = io.Copy(io.Discard, read) // after a fault the writer must not block
		checked <- err
	}()
	count := &counter{}
	out := bufio.NewWriterSize(io.MultiWriter(w, written, count), 256<<10)
	err = errors.Join(write(out), out.Flush())
	_ = written.CloseWithError(err) // nil ends the pipe
	if wrong := <-checked; err == nil {
		err = wrong
	}
	return info, count.n, err
}

// Check reads a whole backup and checks that it is as it was written.
func Check(r io.Reader) (fsm.BackupInfo, error) { return fsm.CheckBackup(r) }
