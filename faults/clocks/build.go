package clocks

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"voted/faults/layer"
	"voted/harness/overlay"
)

// directory is the environment variable that names a directory. In it a file for each
// process, named by its id, holds by how many seconds the process's clock is wrong.
const directory = "FAULTS_CLOCK"

// jumping builds a node whose clock jumps when its file changes. The node reads the file
// every ten milliseconds by the monotonic clock.
func jumping(ctx context.Context, r *layer.Run, name string, more ...overlay.Edit) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return "", fmt.Errorf("the toolchain cannot be found: %w", err)
	}
	file := filepath.Join(strings.TrimSpace(string(out)), "src/time/time.go")
	return r.Changed(ctx, name, append([]overlay.Edit{
		{
			File: file,
			Old:  "func Now() Time {\n\tsec, nsec, mono := runtimeNow()\n",
			New: `var jumpBy atomic.Int64 // by how many seconds this process's clock is off

// Now is also called where nothing may be read from a file, so a goroutine does that.
func init() {
	dir, _ := syscall.Getenv("` + directory + `")
	if dir == "" {
		return
	}
	digits := ""
	for n := syscall.Getpid(); n > 0; n /= 10 {
		digits = string(rune('0'+n%10)) + digits
	}
	go func() {
		for ; ; Sleep(10 * Millisecond) {
			fd, err := open(dir + "/" + digits)
			if err != nil {
				continue
			}
			buf := make([]byte, 32)
			n, _ := read(fd, buf)
			closefd(fd)
			by, negative := int64(0), false
			for _, c := range buf[:max(n, 0)] {
				negative = negative || c == '-'
				if c >= '0' && c <= '9' {
					by = by*10 + int64(c-'0')
				}
			}
			if negative {
				by = -by
			}
			jumpBy.Store(by)
		}
	}()
}

func Now() Time {
	sec, nsec, mono := runtimeNow()
	sec += jumpBy.Load()
`,
		},
		{File: file, Old: "import (\n", New: "import (\n\t\"sync/atomic\"\n\t\"syscall\"\n"},
	}, more...)...)
}

// set makes the clock of a process wrong by so much, 0 for right.
func set(dir string, pid int, by time.Duration) error {
	path := filepath.Join(dir, strconv.Itoa(pid))
	text := strconv.FormatInt(int64(by/time.Second), 10)
	// It is written under another name and renamed, so that no process reads half of it.
	if err := os.WriteFile(path+".new", []byte(text), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}
