// Package audit keeps a log of who did what, as JSON lines. In a file, each line is
// synced to the disk before the action it announces is done. On a pipe, a socket or a
// terminal, each line is written before that; its reader must keep it.
package audit

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"sync"
)

// Log is an audit log. It is safe for concurrent use.
type Log struct {
	path string

	mu   sync.Mutex
	file *os.File    // guarded by mu
	info fs.FileInfo // of file; guarded by mu
	torn bool        // the last line may be incomplete; guarded by mu
}

// Stdout is the path that means the standard output.
const Stdout = "-"

// Open opens the log at a path, to append to it. A missing file is made, readable by
// its owner only. Stdout, and the system's names for the standard output and the
// standard error, mean those streams.
func Open(path string) (*Log, error) {
	l := &Log{path: path}
	return l, l.open()
}

// open opens the file. The caller holds mu, or l is not shared yet.
func (l *Log) open() error {
	f, err := l.openPath()
	if err != nil {
		return fmt.Errorf("the audit log %s cannot be written: %w", l.path, err)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.file, l.info = f, info
	return nil
}

// openPath opens the path. A standard stream is not opened by its name, because that
// fails if it is a socket, as under systemd.
func (l *Log) openPath() (*os.File, error) {
	if stream := l.stream(); stream != nil {
		return duplicate(stream)
	}
	return os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
}

// stream returns the standard stream that the path means, nil for a file.
func (l *Log) stream() *os.File {
	switch l.path {
	case Stdout, "/dev/stdout":
		return os.Stdout
	case "/dev/stderr":
		return os.Stderr
	}
	return nil
}

// Record writes an entry as one line. In a file it also syncs it; pipes, sockets and
// terminals cannot be synced. If the file was moved, as log rotation does, a new one is
// begun under the old name.
func (l *Log) Record(entry any) error {
	line, err := json.Marshal(entry)
	if err != nil {
		return fmt.Errorf("an audit entry cannot be written as JSON: %w", err)
	}
	line = append(line, '\n')
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.follow(); err != nil {
		return err
	}
	if l.torn {
		line = append([]byte{'\n'}, line...)
	}
	l.torn = true
	if _, err := l.file.Write(line); err != nil {
		return fmt.Errorf("the audit log %s cannot be written: %w", l.path, err)
	}
	l.torn = false
	if !l.info.Mode().IsRegular() {
		return nil
	}
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("the audit log %s cannot be synced: %w", l.path, err)
	}
	return nil
}

// follow opens the path again if it now names another file. The caller holds mu.
func (l *Log) follow() error {
	if l.file == nil {
		return fmt.Errorf("the audit log %s is closed", l.path)
	}
	if l.stream() != nil || !l.info.Mode().IsRegular() {
		return nil // a stream is not rotated
	}
	info, err := os.Stat(l.path)
	if err == nil && os.SameFile(info, l.info) {
		return nil
	}
	old := l.file
	if err := l.open(); err != nil {
		return err
	}
	l.torn = false
	return old.Close()
}

// Close closes the file. Record fails after that.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}
