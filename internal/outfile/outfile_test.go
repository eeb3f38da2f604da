package outfile

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// put writes a file as commands do.
func put(name, text string, commit bool) error {
	f, err := Create(name)
	if err != nil {
		return err
	}
	defer f.Close()
	if _, err := io.WriteString(f, text); err != nil || !commit {
		return err
	}
	return f.Commit()
}

func have(t *testing.T, name, want string) {
	t.Helper()
	if got, err := os.ReadFile(name); err != nil || string(got) != want {
		t.Errorf("%s holds %q, %v; want %q", name, got, err, want)
	}
}

func names(t *testing.T, dir string) (got []string) {
	t.Helper()
	all, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		got = append(got, e.Name())
	}
	return got
}

func TestAFileIsThereWholeOrAsItWas(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "x.csv")
	for _, c := range []struct {
		text   string
		commit bool
		want   []string
	}{{"never", false, nil}, {"first", true, []string{"x.csv"}}, {"half", false, []string{"x.csv"}}} {
		if err := put(name, c.text, c.commit); err != nil {
			t.Fatal(err)
		}
		if got := names(t, dir); !slices.Equal(got, c.want) {
			t.Errorf("after %q there is %q", c.text, got)
		}
	}
	have(t, name, "first")
	if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("others may read it: %v, %v", info.Mode(), err)
	}
}

func TestALinkIsFollowedAndWhatItNamesIsReplaced(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	target, link, chain, dangling := filepath.Join(dir, "target"), filepath.Join(dir, "link"), filepath.Join(dir, "chain"), filepath.Join(dir, "dangling")
	for link, to := range map[string]string{link: "target", chain: link, dangling: filepath.Join(dir, "new")} {
		if err := os.Symlink(to, link); err != nil {
			t.Fatal(err)
		}
	}
	for name, there := range map[string]string{link: target, chain: target, dangling: filepath.Join(dir, "new")} {
		if err := put(name, "through "+name, true); err != nil {
			t.Fatal(err)
		}
		have(t, there, "through "+name)
		if info, err := os.Lstat(name); err != nil || info.Mode()&fs.ModeSymlink == 0 {
			t.Errorf("%s is no longer a link: %v", name, err)
		}
	}
	circle := filepath.Join(dir, "circle")
	if err := os.Symlink(circle, circle); err != nil {
		t.Fatal(err)
	}
	if err := put(circle, "x", true); !errors.Is(err, syscall.ELOOP) {
		t.Errorf("a circle: %v", err)
	}
}

func TestAPlantedNameIsNotWrittenThrough(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	victim, name := filepath.Join(dir, "victim"), filepath.Join(dir, "x.csv")
	if err := os.WriteFile(victim, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(victim, name+".partial"); err != nil {
		t.Fatal(err)
	}
	if err := put(name, "ballots", true); err != nil {
		t.Fatal(err)
	}
	have(t, victim, "mine")
	have(t, name, "ballots")
}

func TestAPipeIsWrittenToAndStaysAPipe(t *testing.T) {
	t.Parallel()
	name := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	read := make(chan string, 1)
	go func() {
		b, err := os.ReadFile(name)
		read <- string(b) + strings.Repeat("!", map[bool]int{true: 1}[err != nil])
	}()
	if err := put(name, "ballots", true); err != nil {
		t.Fatal(err)
	}
	if got := <-read; got != "ballots" {
		t.Errorf("its reader got %q", got)
	}
	if info, err := os.Lstat(name); err != nil || info.Mode()&fs.ModeNamedPipe == 0 {
		t.Errorf("it is no longer a pipe: %v", err)
	}
}

func TestADeviceIsWrittenToAndStaysADevice(t *testing.T) {
	t.Parallel()
	if err := put(os.DevNull, "ballots", true); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Lstat(os.DevNull); err != nil || info.Mode()&fs.ModeCharDevice == 0 {
		t.Fatalf("%s is no longer a device: %v", os.DevNull, err)
	}
	if _, err := os.Stat("/dev/full"); err == nil {
		if err := put("/dev/full", "ballots", true); !errors.Is(err, syscall.ENOSPC) {
			t.Errorf("a full device: %v", err)
		}
	}
}

func TestAnOpenFileIsWrittenToWhereItStands(t *testing.T) {
	t.Parallel()
	f, err := os.OpenFile(filepath.Join(t.TempDir(), "log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString("before "); err != nil {
		t.Fatal(err)
	}
	if err := put(filepath.Join("/proc/self/fd", strconv.Itoa(int(f.Fd()))), "after", true); err != nil {
		t.Fatal(err)
	}
	have(t, f.Name(), "before after")
	if err := put("/dev/fd/4711", "x", true); !errors.Is(err, syscall.EBADF) {
		t.Errorf("a file that is not open: %v", err)
	}
}

func TestADirectoryAndAPlaceThatIsNotThereAreRefusedAtOnce(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if err := put(dir, "x", true); !errors.Is(err, syscall.EISDIR) {
		t.Errorf("a directory: %v", err)
	}
	if err := put(filepath.Join(dir, "none", "x"), "x", true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no directory: %v", err)
	}
	if got := names(t, dir); got != nil {
		t.Errorf("there is %q", got)
	}
}
