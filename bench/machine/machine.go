// Package machine describes the machine that a measurement ran on, and reads from
// /proc what its processes take. Where a system has no /proc the figures are zero
// and the description says less.
package machine

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Description is what a reader must know to compare figures.
type Description struct {
	Date        time.Time         `json:"date"`
	CPU         string            `json:"cpu"`
	Cores       int               `json:"cores"`
	MemoryBytes uint64            `json:"memory_bytes"`
	OS          string            `json:"os"`
	Kernel      string            `json:"kernel"`
	Versions    map[string]string `json:"versions"`
	// FsyncMillis is the median of a 4 KiB write and fsync where the data lie.
	FsyncMillis float64 `json:"fsync_ms"`
	// LoadBefore is the load average of the minute before the measurement: what
	// is not near 0 was taken on a busy machine.
	LoadBefore float64 `json:"load_before"`
}

// Describe describes this machine, with the disk that dir lies on.
func Describe(dir string) (Description, error) {
	d := Description{
		Date: time.Now().UTC().Truncate(time.Second), CPU: cpuModel(), Cores: runtime.NumCPU(), OS: runtime.GOOS + "/" + runtime.GOARCH,
		Kernel: firstLine("/proc/sys/kernel/osrelease"), MemoryBytes: 1024 * field("/proc/meminfo", "MemTotal:"),
		Versions: map[string]string{"go": runtime.Version()},
	}
	_, _ = fmt.Sscan(firstLine("/proc/loadavg"), &d.LoadBefore) // stays 0 where there is none
	fsync, err := fsyncTime(dir)
	d.FsyncMillis = float64(fsync.Microseconds()) / 1000
	return d, err
}

// String returns the description in two lines.
func (d Description) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s · %d cores of %s · %.1f GiB · %s, kernel %s\n", d.Date.Format(time.RFC3339), d.Cores, d.CPU,
		float64(d.MemoryBytes)/(1<<30), d.OS, d.Kernel)
	fmt.Fprintf(&b, "write and fsync of 4 KiB: %.2f ms · load average before: %.2f", d.FsyncMillis, d.LoadBefore)
	names := make([]string, 0, len(d.Versions))
	for name := range d.Versions {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		fmt.Fprintf(&b, " · %s %s", name, d.Versions[name])
	}
	return b.String()
}

// Version returns the first line of what a program says of its version, without
// its own name.
func Version(program string, args ...string) string {
	out, err := exec.Command(program, args...).Output()
	if err != nil {
		return "unknown"
	}
	line, _, _ := bytes.Cut(out, []byte("\n"))
	text := string(bytes.TrimSpace(line))
	for _, name := range []string{filepath.Base(program) + " (PostgreSQL) ", "etcd Version: ", "voted "} {
		text = strings.TrimPrefix(text, name)
	}
	return text
}

// fsyncSamples is enough for a median, and takes well under a second on any disk
// that is worth measuring on.
const fsyncSamples = 51

func fsyncTime(dir string) (time.Duration, error) {
	f, err := os.CreateTemp(dir, "fsync-")
	if err != nil {
		return 0, fmt.Errorf("the disk cannot be measured: %w", err)
	}
	defer func() { _ = errors.Join(f.Close(), os.Remove(f.Name())) }() // it is in a directory that goes as a whole
	block := make([]byte, 4096)
	took := make([]time.Duration, fsyncSamples)
	for i := range took {
		start := time.Now()
		if _, err := f.Write(block); err != nil {
			return 0, fmt.Errorf("the disk cannot be measured: %w", err)
		}
		if err := f.Sync(); err != nil {
			return 0, fmt.Errorf("the disk cannot be measured: %w", err)
		}
		took[i] = time.Since(start)
	}
	slices.Sort(took)
	return took[len(took)/2], nil
}

func cpuModel() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return runtime.GOARCH
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if name, value, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func firstLine(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(data), "\n")
	return line
}
