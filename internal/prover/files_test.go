package prover_test

import (
	"errors"
	"testing"

	"voted/internal/prover"
	"voted/internal/prover/provertest"
)

// Both disks must behave alike.
func TestAFileKeepsWhatWasSyncedAndReplacesAsAWhole(t *testing.T) {
	t.Parallel()
	memory := provertest.NewDisk()
	for name, disk := range map[string]prover.Disk{"directory": prover.Dir(t.TempDir()), "memory": memory.Process()} {
		f, err := disk.Open("a")
		must(t, err)
		_, err = f.WriteAt([]byte("0123456789"), 4)
		must(t, err)
		must(t, f.Truncate(8))
		must(t, f.Sync())
		must(t, f.Close())
		if got := content(t, disk, "a"); got != "\x00\x00\x00\x000123" {
			t.Errorf("%s: %q", name, got)
		}
		f, err = disk.Replace("a", write("new"))
		must(t, err)
		must(t, f.Close())
		if got := content(t, disk, "a"); got != "new" {
			t.Errorf("%s: %q", name, got)
		}
		if _, err := disk.Replace("a", fails); !errors.Is(err, errFails) {
			t.Errorf("%s: %v", name, err)
		}
		if got := content(t, disk, "a"); got != "new" {
			t.Errorf("%s: after a replacement that failed: %q", name, got)
		}
	}
	killed := memory.Process()
	f, err := killed.Open("a")
	must(t, err)
	killed.Kill()
	_, err = f.WriteAt([]byte("late"), 0)
	must(t, errors.Join(err, f.Sync()))
	if got := string(memory.File("a")); got != "new" {
		t.Errorf("a process that was killed wrote %q", got)
	}
}
