package resources

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"voted/faults/rig"
)

// fewDescriptors limits a node to 64 file descriptors, fewer than clients want connections.
func fewDescriptors(ctx context.Context, c *rig.Cluster, node int) (func() error, error) {
	pid := c.Nodes[node].Pid()
	var before unix.Rlimit
	err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, nil, &before)
	if err == nil {
		// The hard limit stays: not every root may raise it again.
		err = unix.Prlimit(pid, unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: 64, Max: before.Max}, nil)
	}
	if err != nil {
		return nil, fmt.Errorf("the descriptors of a process cannot be limited: %w", err)
	}
	crowd, err := connect(ctx, c.Nodes[node].APIAddr, 200)
	if err != nil {
		return nil, err
	}
	return func() error {
		crowd.close()
		err := unix.Prlimit(pid, unix.RLIMIT_NOFILE, &before, nil)
		if errors.Is(err, syscall.ESRCH) {
			return nil // it has ended
		}
		return err
	}, nil
}

// littleMemory limits a node to 24 MiB more than the memory it takes now.
func littleMemory(_ context.Context, c *rig.Cluster, node int) (func() error, error) {
	pid := c.Nodes[node].Pid()
	limit := (rig.ResidentKiB(pid) + 24<<10) << 10
	return confine("memory", pid, map[string]string{"memory.limit_in_bytes": strconv.Itoa(limit)})
}

// littleProcessor limits a node to a tenth of one processor.
func littleProcessor(_ context.Context, c *rig.Cluster, node int) (func() error, error) {
	return confine("cpu", c.Nodes[node].Pid(), map[string]string{"cpu.cfs_period_us": "100000", "cpu.cfs_quota_us": "10000"})
}

const cgroups = "/sys/fs/cgroup"

// confine puts a process into a control group of its own, below the one it is in, with
// limits. undo puts it back and removes the group.
func confine(controller string, pid int, limits map[string]string) (undo func() error, err error) {
	home, err := groupOf(controller, pid)
	if err != nil {
		return nil, err
	}
	own := filepath.Join(home, fmt.Sprintf("voted-faults-%d-%d", os.Getpid(), pid))
	if err := os.Mkdir(own, 0o755); err != nil {
		return nil, fmt.Errorf("a control group cannot be made (this layer needs cgroup v1): %w", err)
	}
	undo = func() error {
		// A process that has ended is no longer in any group.
		_ = os.WriteFile(filepath.Join(home, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644)
		var err error
		for range 50 {
			if err = os.Remove(own); err == nil || errors.Is(err, os.ErrNotExist) {
				return nil
			}
			time.Sleep(20 * time.Millisecond) // a killed process leaves its group a moment later
		}
		return fmt.Errorf("the control group %s cannot be removed: %w", own, err)
	}
	for file, value := range limits {
		if err := os.WriteFile(filepath.Join(own, file), []byte(value), 0o644); err != nil {
			return nil, errors.Join(fmt.Errorf("the limit %s cannot be set: %w", file, err), undo())
		}
	}
	if err := os.WriteFile(filepath.Join(own, "cgroup.procs"), []byte(strconv.Itoa(pid)), 0o644); err != nil {
		return nil, errors.Join(fmt.Errorf("process %d cannot be confined: %w", pid, err), undo())
	}
	return undo, nil
}

// groupOf returns the directory of the control group that a process is in.
func groupOf(controller string, pid int) (string, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/cgroup", pid))
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(text)) {
		parts := strings.SplitN(strings.TrimSpace(line), ":", 3)
		if len(parts) == 3 && strings.Contains(","+parts[1]+",", ","+controller+",") {
			return filepath.Join(cgroups, controller, parts[2]), nil
		}
	}
	return "", fmt.Errorf("there is no control group for %s here; this layer needs cgroup v1", controller)
}
