package storage

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	// ballastFile reserves room that is freed when the disk is nearly full: deleting
	// from the log needs new pages before it frees old ones.
	ballastFile = "ballast"
	// lookEvery is how often the free space is measured. At 100 MB/s a disk loses 25 MB
	// between two measurements, a tenth of what is kept free by default.
	lookEvery = 250 * time.Millisecond
	// defaultMinFree is for disks of ordinary size, minShare for smaller ones.
	defaultMinFree = 256 << 20
	minShare       = 10
)

// Space watches the free space of the file system that holds a member's directory, and
// keeps a ballast there. It is safe for concurrent use.
type Space struct {
	dir    string
	log    *slog.Logger
	min    uint64 // below this, space is low; 0: not watched
	volume func(dir string) (free, size uint64, err error)

	mu   sync.Mutex
	free uint64 // at the last look; guarded by mu
	low  bool   // guarded by mu
	deaf bool   // the last look failed; guarded by mu
}

// WatchSpace measures the directory's free space for the first time. minFree is how
// many bytes should stay free: 0 means the default, 256 MiB or a tenth of a small disk;
// a negative number turns the watch off.
func WatchSpace(dir string, minFree int64, log *slog.Logger) *Space {
	return watchSpace(dir, minFree, log, volume)
}

func watchSpace(dir string, minFree int64, log *slog.Logger, volume func(string) (uint64, uint64, error)) *Space {
	s := &Space{dir: dir, log: log, volume: volume}
	switch {
	case minFree > 0:
		s.min = uint64(minFree)
	case minFree == 0:
		s.min = defaultMinFree
		if _, size, err := volume(existing(dir)); err == nil {
			s.min = min(s.min, size/minShare)
		}
	}
	s.look()
	return s
}

// existing returns the directory itself or, before it is made, the nearest parent that
// exists.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || dir == filepath.Dir(dir) {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// Run measures the free space again and again until ctx ends.
func (s *Space) Run(ctx context.Context) {
	every := time.NewTicker(lookEvery)
	defer every.Stop()
	for {
		select {
		case <-every.C:
			s.look()
		case <-ctx.Done():
			return
		}
	}
}

// Free returns how many bytes were free at the last measurement, and whether that is
// too few.
func (s *Space) Free() (bytes uint64, low bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.free, s.low
}

// MinFree returns the number of free bytes below which space is low; 0: it is not
// watched.
func (s *Space) MinFree() uint64 { return s.min }

func (s *Space) ballast() uint64 { return s.min / 4 }

// look measures and decides. Low space stays low until there is an eighth more, so that
// it does not change with every snapshot.
func (s *Space) look() {
	free, _, err := s.volume(existing(s.dir)) // without the lock, so that a hanging disk does not block callers of Free
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		if !s.deaf {
			s.log.Warn("the free space cannot be measured", "dir", s.dir, "error", err)
		}
		s.deaf = true
		return
	}
	s.deaf = false
	s.free = free
	enough := s.min + s.min/8
	switch {
	case free < s.min && !s.low:
		s.low = true
		s.log.Warn("the disk is nearly full; ballots are refused where a majority of the members is short of space", "dir", s.dir, "free", free, "min_free", s.min)
	case free >= enough && s.low:
		s.low = false
		s.log.Info("the disk has space again", "dir", s.dir, "free", free)
	}
	path := filepath.Join(s.dir, ballastFile)
	_, missing := os.Stat(path)
	switch {
	case missing == nil && free < s.ballast():
		if err := os.Remove(path); err == nil {
			s.log.Warn("the ballast is removed, so that the member can still delete and close", "bytes", s.ballast())
		}
	case os.IsNotExist(missing) && s.min > 0 && free >= enough+s.ballast():
		if err := s.fill(path); err != nil {
			s.log.Warn("the ballast cannot be made", "error", err)
		}
	}
}

// fill makes the ballast file, whole or not at all.
func (s *Space) fill(path string) error {
	if _, err := os.Stat(s.dir); err != nil {
		return nil // the directory is not made yet
	}
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	err = allocate(f, int64(s.ballast()))
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		_ = os.Remove(path + ".new") // left over from a crash
		return fmt.Errorf("%s: %w", path, err)
	}
	return nil
}
