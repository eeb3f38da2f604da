package storage

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
)

func TestSpaceIsLowBeforeTheDiskIsFullAndRecoversByItself(t *testing.T) {
	t.Parallel()
	const kib = 1 << 10
	dir := t.TempDir()
	free, failing := uint64(4000*kib), error(nil)
	s := watchSpace(dir, 1000*kib, slog.New(slog.DiscardHandler), func(string) (uint64, uint64, error) { return free, 8000 * kib, failing })
	ballast := filepath.Join(dir, ballastFile)
	for _, x := range []struct {
		name    string
		free    uint64
		low     bool
		ballast bool
	}{
		{"plenty: the ballast is made", 4000 * kib, false, true},
		{"just enough", 1000 * kib, false, true},
		{"a byte too few", 1000*kib - 1, true, true},
		{"enough again, but for a moment perhaps", 1001 * kib, true, true},
		{"an eighth more than enough", 1125 * kib, false, true},
		{"low again, nearly nothing: the ballast is given back", 249 * kib, true, false},
		{"what the ballast gave does not end it", 499 * kib, true, false},
		{"enough, but not for a ballast too", 1374 * kib, false, false},
		{"enough for both", 1375 * kib, false, true},
	} {
		free = x.free
		s.look()
		_, err := os.Stat(ballast)
		got, low := s.Free()
		if low != x.low || (err == nil) != x.ballast || got != x.free {
			t.Errorf("%s: low %t, ballast %v, free %d", x.name, low, err, got)
		}
	}
	if info, err := os.Stat(ballast); err != nil || info.Size() != 250*kib {
		t.Errorf("the ballast: %v %v", info, err)
	}
	// A failed measurement changes nothing.
	failing = errors.New("no such disk")
	s.look()
	if got, low := s.Free(); low || got != 1375*kib {
		t.Errorf("after a failed look: %d, %t", got, low)
	}
}

func TestTheThresholdFitsTheDisk(t *testing.T) {
	t.Parallel()
	for _, x := range []struct {
		name    string
		minFree int64
		size    uint64
		want    uint64
	}{
		{"a large disk", 0, 1 << 40, defaultMinFree},
		{"a small one", 0, 1 << 30, 1 << 30 / minShare},
		{"as told", 7 << 20, 1 << 30, 7 << 20},
		{"off", -1, 1 << 30, 0},
	} {
		s := watchSpace(t.TempDir(), x.minFree, slog.New(slog.DiscardHandler), func(string) (uint64, uint64, error) { return 1, x.size, nil })
		if s.MinFree() != x.want {
			t.Errorf("%s: %d, want %d", x.name, s.MinFree(), x.want)
		}
		if _, low := s.Free(); low != (x.want > 0) {
			t.Errorf("%s: low %t with one byte free", x.name, low)
		}
	}
}
