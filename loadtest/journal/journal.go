// Package journal writes and reads the request log: one JSON line a request, gzip.
package journal

import (
	"bufio"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"voted/harness/ledger"
)

// Name is the file's name in the output directory.
const Name = "requests.jsonl.gz"

// bufferBytes is what is gathered before it is compressed and written.
const bufferBytes = 256 << 10

// maxLineBytes bounds a line: an entry with hundreds of tries.
const maxLineBytes = 1 << 20

// Writer appends entries. One goroutine at a time uses it.
type Writer struct {
	file *os.File
	zip  *gzip.Writer
	buf  *bufio.Writer
	enc  *json.Encoder
}

// Create makes the file.
func Create(path string) (*Writer, error) {
	f, err := os.Create(path)
	if err != nil {
		return nil, fmt.Errorf("the request log cannot be written: %w", err)
	}
	w := &Writer{file: f}
	w.zip, err = gzip.NewWriterLevel(f, gzip.BestSpeed)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	w.buf = bufio.NewWriterSize(w.zip, bufferBytes)
	w.enc = json.NewEncoder(w.buf)
	w.enc.SetEscapeHTML(false)
	return w, nil
}

// Add appends an entry.
func (w *Writer) Add(e *ledger.Entry) error {
	if err := w.enc.Encode(e); err != nil {
		return fmt.Errorf("the request log %s cannot be written; is the disk full? %w", w.file.Name(), err)
	}
	return nil
}

// Close completes the file.
func (w *Writer) Close() error {
	err := errors.Join(w.buf.Flush(), w.zip.Close())
	err = errors.Join(err, w.file.Close())
	if err != nil {
		return fmt.Errorf("the request log %s is incomplete; is the disk full? %w", w.file.Name(), err)
	}
	return nil
}

// Read calls f with each entry of the file.
func Read(path string, f func(*ledger.Entry) error) error {
	file, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("the request log cannot be read: %w", err)
	}
	defer file.Close()
	zip, err := gzip.NewReader(file)
	if err != nil {
		return fmt.Errorf("%s is not a request log: %w", path, err)
	}
	lines := bufio.NewScanner(zip)
	lines.Buffer(make([]byte, 0, bufferBytes), maxLineBytes)
	n := 0
	for lines.Scan() {
		n++
		var e ledger.Entry
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			return fmt.Errorf("%s, line %d cannot be read: %w", path, n, err)
		}
		if err := f(&e); err != nil {
			return fmt.Errorf("%s, line %d: %w", path, n, err)
		}
	}
	if err := lines.Err(); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return fmt.Errorf("%s ends in the middle; the run was cut short: %w", path, err)
		}
		return fmt.Errorf("%s cannot be read after line %d: %w", path, n, err)
	}
	return nil
}
