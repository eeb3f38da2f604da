package machine

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

func TestTheMachineIsDescribed(t *testing.T) {
	t.Parallel()
	d, err := Describe(t.TempDir())
	if err != nil || d.Cores < 1 || d.CPU == "" || d.Versions["go"] == "" || !strings.Contains(d.String(), "fsync") {
		t.Errorf("%+v, %v", d, err)
	}
	if _, err := Describe(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a directory that does not exist was measured")
	}
}

func TestMemoryAndTimeAreReadWhereTheSystemHasThem(t *testing.T) {
	t.Parallel()
	_, err := os.Stat("/proc/self/status")
	has := err == nil
	if got := AnonymousBytes(os.Getpid()) > 0; got != has {
		t.Errorf("memory was read: %v, want %v", got, has)
	}
	if got := Used(os.Getpid()).Total > 0; got != has {
		t.Errorf("processor time was read: %v, want %v", got, has)
	}
	if AnonymousBytes(0) != 0 {
		t.Error("process 0 has memory")
	}
}

func TestTheSizeOfADirectoryIsThatOfItsFiles(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, size := range map[string]int{"a": 10, "below/b": 20} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, bytes.Repeat([]byte{1}, size), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if got := DiskBytes(dir); got != 30 {
		t.Errorf("got %d bytes, want 30", got)
	}
	if got := DiskBytes(filepath.Join(dir, "none")); got != 0 {
		t.Errorf("a directory that does not exist has %d bytes", got)
	}
}

// burns makes the test binary use processor time in a thread that is not its first, and end.
const burns = "MACHINE_TEST_BURNS"

func init() {
	if os.Getenv(burns) != "" {
		runtime.LockOSThread() // the main goroutine stays on the first thread, and all others off it
	}
}

func TestMain(m *testing.M) {
	if os.Getenv(burns) != "" {
		done := make(chan struct{})
		go func() { // ends when it has used enough
			for Self() < 2*burnt {
			}
			close(done)
		}()
		<-done
		os.Exit(0)
	}
	os.Exit(m.Run())
}

// burnt is well above what the first thread needs to start, and above one tick.
const burnt = 200 * time.Millisecond

func TestTheTimeOfAProcessThatHasEndedIsThatOfAllItsThreads(t *testing.T) {
	t.Parallel()
	if _, err := os.Stat("/proc/self/stat"); err != nil {
		t.Skip("this system does not say what a process used")
	}
	// given a process that has ended and is not waited for yet
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), burns+"=1")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Wait() }) // it ends by itself
	stat := fmt.Sprintf("/proc/%d/stat", cmd.Process.Pid)
	for deadline := time.Now().Add(time.Minute); !strings.Contains(firstLine(stat), ") Z "); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not end")
		}
	}
	// when its time is read, then that of its second thread counts
	if used := Used(cmd.Process.Pid).Own; used < burnt {
		t.Errorf("it used %s, want at least %s", used, burnt)
	}
}

func TestWhatIsWrittenToTheDiskIsCounted(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	before := WrittenBytes(dir)
	if before == 0 {
		t.Skip("the disk of the temporary directory is not counted")
	}
	const size = 1 << 20
	f, err := os.Create(filepath.Join(dir, "file"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(bytes.Repeat([]byte{1}, size)); err != nil {
		t.Fatal(err)
	}
	if err := f.Sync(); err != nil {
		t.Fatal(err)
	}
	if wrote := WrittenBytes(dir) - before; wrote < size {
		t.Errorf("%d bytes were counted, %d written and synced", wrote, size)
	}
	if got := WrittenBytes(filepath.Join(dir, "none")); got != 0 {
		t.Errorf("the disk of a directory that does not exist has %d bytes", got)
	}
}
