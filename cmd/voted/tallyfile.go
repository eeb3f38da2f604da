package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"

	"voted/client"
	"voted/internal/profilefile"
	"voted/internal/profilefile/cvr"
	"voted/internal/resultfile"
	"voted/internal/textfile"
	"voted/internal/usage"
)

// ballotsFile is a file of ballots that was read, and how.
type ballotsFile struct {
	*profilefile.Found `json:"-"`
	Name               string           `json:"name"`
	Kind               profilefile.Kind `json:"kind"`
	Encoding           string           `json:"encoding,omitempty"` // of a text
	SHA256             string           `json:"sha256"`
	Bytes              int64            `json:"bytes"`

	rules []string     // by which it was counted
	state client.State // of the poll
	said  string       // what it is, for people
}

// String says what was read, for people.
func (f *ballotsFile) String() string {
	said := f.Name + ", " + f.said
	if len(f.Ignored) > 0 {
		said += "; not used: " + strings.Join(f.Ignored, ", ")
	}
	return said
}

// pollName is a name for what was counted.
func (f *ballotsFile) pollName() string {
	if f.Name == "-" {
		return "ballots"
	}
	return strings.TrimSuffix(filepath.Base(f.Name), filepath.Ext(f.Name))
}

// readAs sets how a file is to be read.
func readAs(a *profilefile.Asked, encoding, separator string) error {
	if a.Kind != "" && !strings.Contains(", "+kindNames()+",", ", "+string(a.Kind)+",") {
		return usage.Errorf("--from %q is no kind of file that is known; give one of %s", string(a.Kind), kindNames())
	}
	if encoding != "" {
		e, err := textfile.Named(encoding)
		if err != nil {
			return usage.Errorf("--encoding: %w", err)
		}
		a.Encoding = &e
	}
	if separator != "" {
		var err error
		if a.Separator, err = textfile.NamedSeparator(separator); err != nil {
			return usage.Errorf("--separator: %w", err)
		}
	}
	return nil
}

// readBallots reads a whole file that is open; ballotsProblem explains its errors. size is
// how many bytes it has, 0 if unknown.
func readBallots(s *session, file io.Reader, size int64, name string, asked profilefile.Asked) (*ballotsFile, error) {
	watched := watch(s, file, size)
	found, err := profilefile.Read(watched, asked)
	if err = watched.end(err); err != nil {
		return nil, err
	}
	return &ballotsFile{
		Found: found, Name: name, Kind: found.Kind, Encoding: found.Encoding, SHA256: watched.sum(), Bytes: watched.n, state: client.StateClosed,
		said: fmt.Sprintf("%s in %s", found.Kind, found.Encoding),
	}, nil
}

// sizeOf is how many bytes a file has, 0 if that is not known.
func sizeOf(file io.Reader) int64 {
	if f, ok := file.(*os.File); ok {
		if info, err := f.Stat(); err == nil && info.Mode().IsRegular() {
			return info.Size()
		}
	}
	return 0
}

// ballotsProblem says what is wrong with a file, and what to do. done is what was done to no
// ballot, such as counted; otherForm is said of ballots of another form.
func ballotsProblem(name string, err error, done, otherForm string) error {
	var fault *textfile.Fault
	var unknown *profilefile.UnknownKindError
	var form *profilefile.FormError
	var contests *cvr.ContestsError
	what := inputName(name)
	switch {
	case errors.As(err, &fault):
		return usage.Errorf("%s, %w; nothing was %s", what, err, done)
	case errors.As(err, &unknown):
		return usage.Errorf("%s: %w; say what it is with --from", what, err)
	case errors.As(err, &contests):
		return usage.Errorf("%s: %w, with --contest", what, err)
	case errors.As(err, &form):
		return usage.Errorf("%s: %w, %s", what, err, otherForm)
	case errors.Is(err, context.Canceled):
		return err
	}
	var path *os.PathError
	if errors.As(err, &path) {
		return fileProblem(name, err)
	}
	return usage.Errorf("%s: %w; nothing was %s", what, err, done)
}

// watchedReader hashes what is read, shows how much that is, and ends with its context.
type watchedReader struct {
	ctx      context.Context
	r        io.Reader
	n        int64
	hash     hash.Hash
	progress *progress
}

// watch watches the reading of a file; size is how many bytes it has, 0 if unknown.
func watch(s *session, file io.Reader, size int64) *watchedReader {
	return &watchedReader{ctx: s.ctx, r: file, hash: sha256.New(), progress: newProgress(s.stderr, "reading", "MB", size)}
}

// end ends the watch after err. Without an error it reads what is left, so that the whole
// file is hashed.
func (w *watchedReader) end(err error) error {
	if err == nil {
		_, err = io.Copy(io.Discard, w)
	}
	w.progress.end(err == nil)
	return err
}

// sum is the SHA-256 of what was read.
func (w *watchedReader) sum() string { return hex.EncodeToString(w.hash.Sum(nil)) }

// Read implements io.Reader.
func (w *watchedReader) Read(p []byte) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	n, err := w.r.Read(p)
	w.n += int64(n)
	w.hash.Write(p[:n])
	w.progress.at(w.n, uint64(w.n>>20), 0)
	return n, err
}

// writeResults writes a count in a format; empty is the report.
func writeResults(w io.Writer, c *resultfile.Count, format string) error {
	err := resultfile.Write(w, c, cmp.Or(resultfile.Format(format), resultfile.Report))
	if unfit := new(resultfile.UnfitError); errors.As(err, &unfit) {
		return usage.Mark(err)
	}
	return err
}
