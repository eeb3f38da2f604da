package machine

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// ticksPerSecond is the unit of /proc/…/stat on every Linux architecture (USER_HZ).
const ticksPerSecond = 100

// AnonymousBytes returns the resident anonymous memory of a process (RssAnon):
// what it has allocated, without the pages of files it has mapped.
func AnonymousBytes(pid int) uint64 {
	return 1024 * field(fmt.Sprintf("/proc/%d/status", pid), "RssAnon:")
}

// field returns the number that follows a name at the beginning of a line.
func field(path, name string) uint64 {
	f, err := os.Open(path)
	if err != nil {
		return 0
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if words := strings.Fields(s.Text()); len(words) > 1 && words[0] == name {
			n, _ := strconv.ParseUint(words[1], 10, 64) // 0 where it is no number
			return n
		}
	}
	return 0
}

// Usage is processor time since some beginning: only differences mean something.
type Usage struct {
	// Busy is the time that all processors worked, Total the time that passed on
	// all of them together.
	Busy, Total time.Duration
	// Own is the time of the processes asked for, with their children.
	Own time.Duration
}

// Used returns the processor time so far, of the machine and of the trees of
// processes under roots.
func Used(roots ...int) Usage {
	var u Usage
	words := strings.Fields(firstLine("/proc/stat"))
	for i, word := range words {
		n, err := strconv.ParseInt(word, 10, 64)
		// user nice system idle iowait irq softirq steal; what follows is in user.
		if err != nil || i > 8 {
			continue
		}
		u.Total += ticks(n)
		if i != 4 && i != 5 {
			u.Busy += ticks(n)
		}
	}
	parents, used := processes()
	for pid, t := range used {
		if descends(pid, roots, parents) {
			u.Own += t
		}
	}
	return u
}

// Self returns the processor time of this process so far, without its children.
func Self() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// Since returns what was used between an earlier reading and this one.
func (u Usage) Since(before Usage) Usage {
	return Usage{Busy: u.Busy - before.Busy, Total: u.Total - before.Total, Own: u.Own - before.Own}
}

// processes reads the parent and the processor time of every process.
func processes() (parents map[int]int, used map[int]time.Duration) {
	parents, used = map[int]int{}, map[int]time.Duration{}
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // the pattern is well formed
	for _, path := range stats {
		line := firstLine(path)
		// The name stands in parentheses and may hold any character.
		_, rest, ok := strings.Cut(line[strings.LastIndexByte(line, ')')+1:], " ")
		words := strings.Fields(rest)
		if !ok || len(words) < 18 {
			continue // it has just ended
		}
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parents[pid], _ = strconv.Atoi(words[1])
		used[pid] = processTime(filepath.Dir(path), words)
	}
	return parents, used
}

// processTime returns the processor time of a process and of its children that have
// ended, from the words of its stat, the third on. Ticks are too coarse for a server of
// hundreds of processes that each work for some milliseconds, so the time of a process
// with one thread is read in nanoseconds. That is the time of its first thread alone; a
// process that has ended and is not waited for yet seems to have one thread too.
func processTime(dir string, words []string) time.Duration {
	var own, children time.Duration
	for i, word := range words[11:15] { // utime, stime, cutime, cstime
		n, _ := strconv.ParseInt(word, 10, 64) // 0 where it is no number
		if i < 2 {
			own += ticks(n)
		} else {
			children += ticks(n)
		}
	}
	if state, threads := words[0], words[17]; threads == "1" && state != "Z" {
		first, _, _ := strings.Cut(firstLine(filepath.Join(dir, "schedstat")), " ")
		if n, err := strconv.ParseInt(first, 10, 64); err == nil {
			own = time.Duration(n)
		}
	}
	return own + children
}

func descends(pid int, roots []int, parents map[int]int) bool {
	for pid > 1 {
		for _, root := range roots {
			if pid == root {
				return true
			}
		}
		pid = parents[pid]
	}
	return false
}

func ticks(n int64) time.Duration { return time.Duration(n) * time.Second / ticksPerSecond }
