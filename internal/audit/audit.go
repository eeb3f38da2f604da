// Package audit keeps a log that says who did what: a file of JSON lines, each
// synced to the disk before what it announces is done.
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
	file *os.File    // under mu
	info fs.FileInfo // under mu: of file
	torn bool        // under mu: the last line may not have been written whole
}

// Open opens the log at a path to add to it. It is made if missing, for its owner's
// eyes alone.
func Open(path string) (*Log, error) {
	l := &Log{path: path}
	return l, l.open()
}

// open opens the file; mu is held, or nobody else has l yet.
func (l *Log) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
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

// Record writes an entry as one line and syncs it. Where the file was moved away,
// as log rotation does, a new one is begun under the old name.
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
	if err := l.file.Sync(); err != nil {
		return fmt.Errorf("the audit log %s cannot be synced: %w", l.path, err)
	}
	return nil
}

// follow opens the path again where it names another file now; mu is held.
func (l *Log) follow() error {
	if l.file == nil {
		return fmt.Errorf("the audit log %s is closed", l.path)
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

// Close closes the file. Nothing can be recorded after that.
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
