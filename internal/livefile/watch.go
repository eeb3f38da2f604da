package livefile

import (
	"cmp"
	"io/fs"
	"log/slog"
	"os"
	"slices"
	"sync"
	"time"
)

// Watch lists everything that a node has read from files and elsewhere and reads again,
// so that it can be shown to an operator if something cannot be read again. Until that
// is corrected, the earlier content stays in force, including what has been removed
// since. It is safe for concurrent use.
type Watch struct {
	log *slog.Logger

	mu      sync.Mutex
	sources []Source // guarded by mu
}

// NewWatch returns an empty watch; changes of files are logged to log.
func NewWatch(log *slog.Logger) *Watch { return &Watch{log: log} }

// Log returns the logger that the watch was made with.
func (w *Watch) Log() *slog.Logger { return w.log }

// Source is something that is read again when it changes.
type Source interface {
	// Paths returns its files, or its URL.
	Paths() []string
	// Fault reads it again if needed, and returns since when it cannot be read; zero:
	// it can.
	Fault() (since time.Time)
}

// Add adds a source.
func (w *Watch) Add(s Source) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.sources = append(w.sources, s)
}

// File is one file, or URL, of a source.
type File struct {
	Path  string
	Stale time.Time // since when it, or another file of its source, cannot be used; zero: all is well
}

// Files checks everything again and returns each file once, sorted by path.
func (w *Watch) Files() []File {
	w.mu.Lock()
	sources := slices.Clone(w.sources)
	w.mu.Unlock()
	byPath := map[string]time.Time{}
	for _, s := range sources {
		since := s.Fault()
		for _, path := range s.Paths() {
			if known := byPath[path]; known.IsZero() || !since.IsZero() && since.Before(known) {
				byPath[path] = since
			}
		}
	}
	all := make([]File, 0, len(byPath))
	for path, since := range byPath {
		all = append(all, File{path, since})
	}
	slices.SortFunc(all, func(a, b File) int { return cmp.Compare(a.Path, b.Path) })
	return all
}

// WarnOfReaders logs which of the files that hold secrets every user of the machine may
// read. A missing file is ignored: whoever opens it reports that.
func WarnOfReaders(log *slog.Logger, secrets ...string) {
	for _, path := range secrets {
		if Exposed(path) {
			log.Warn("a file that holds a secret may be read by every user of this machine; take that away with chmod o-rwx", "file", path)
		}
	}
}

// Exposed reports whether every user of the machine may read or write a file. Access
// for a group is allowed: containers get their secrets through one.
func Exposed(path string) bool {
	if path == "" {
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode()&fs.ModeType == 0 && info.Mode().Perm()&0o006 != 0
}
