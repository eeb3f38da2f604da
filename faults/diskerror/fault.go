package diskerror

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"voted/faults/loopfs"
	"voted/internal/localcluster"
)

// fault is one kind of fault of a disk, and what the node must do under it. The node must
// end by itself if neither mustRun nor mayRun is set.
type fault struct {
	name string
	// begin makes the fault, and undo removes it. The caller must call undo exactly once.
	// If the fault hangs the node, the caller must do so before it waits for the node's end.
	begin func(ctx context.Context, n *localcluster.Node, disk *loopfs.FS, dice *rand.Rand) (undo func() error, err error)
	// mustRun: the node must go on. mayRun: it may go on if it has noticed the full disk in
	// time, and must then report that it is short of space.
	mustRun, mayRun bool
	// hangs: the node can end only after the fault is undone.
	hangs bool
	// remount: once the node has ended, the file system must be mounted again.
	remount bool
	load    time.Duration // how long ballots are cast under the fault
}

var faults = []fault{
	{name: "EIO at fsync", begin: failing, load: 2500 * time.Millisecond},
	{name: "full disk", begin: full, mayRun: true, load: 3 * time.Second},
	{name: "read-only disk", begin: readOnly, remount: true, load: 2500 * time.Millisecond},
	{name: "slow disk (20 fsyncs a second)", begin: slow, mustRun: true, load: 3 * time.Second},
	{name: "hanging disk", begin: hanging, hangs: true, load: 5 * time.Second},
}

// failing makes fsync fail: in each thread every call from the first, second or third on.
func failing(ctx context.Context, n *localcluster.Node, _ *loopfs.FS, dice *rand.Rand) (func() error, error) {
	return inject(ctx, n, fmt.Sprintf("fsync,fdatasync:error=EIO:when=%d+", 1+dice.IntN(3)))
}

// slow makes each fsync take 50 ms longer.
func slow(ctx context.Context, n *localcluster.Node, _ *loopfs.FS, _ *rand.Rand) (func() error, error) {
	return inject(ctx, n, "fsync,fdatasync:delay_enter=50ms")
}

// full leaves no free space on the disk.
func full(_ context.Context, _ *localcluster.Node, disk *loopfs.FS, _ *rand.Rand) (func() error, error) {
	return disk.Fill(0)
}

// readOnly makes the disk read-only until it is mounted again; undo does nothing.
func readOnly(_ context.Context, _ *localcluster.Node, disk *loopfs.FS, _ *rand.Rand) (func() error, error) {
	return func() error { return nil }, disk.ReadOnly(true)
}

// hanging lets every write wait until the fault is undone.
func hanging(_ context.Context, _ *localcluster.Node, disk *loopfs.FS, _ *rand.Rand) (func() error, error) {
	return disk.Thaw, disk.Freeze()
}

const (
	// attachTime bounds how long strace may take to attach to a node, and to let it go.
	attachTime = 10 * time.Second
	// attached is the word that strace prints once it has attached.
	attached = "attached"
)

// inject lets strace change system calls of a running node. rule is the value of strace's
// option inject. undo ends strace; the node goes on without it.
func inject(ctx context.Context, n *localcluster.Node, rule string) (undo func() error, err error) {
	cmd := exec.Command("strace", "-f", "-p", strconv.Itoa(n.Pid()), "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", "inject="+rule)
	out := &output{word: attached, printed: make(chan struct{})}
	cmd.Stderr = out
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() { // ends with strace, which ends with the node
		_ = cmd.Wait() // it is interrupted, or has nothing left to trace
		close(ended)
	}()
	undo = func() error {
		_ = cmd.Process.Signal(os.Interrupt) // strace then lets the node go and ends
		select {
		case <-ended:
		case <-time.After(attachTime):
			_ = cmd.Process.Kill()
			<-ended
		}
		return nil
	}
	select {
	case <-out.printed:
		return undo, nil
	case <-ended:
		return nil, errors.New("strace ended before it had attached: " + strings.TrimSpace(out.text()))
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(attachTime):
		err = errors.New("strace does not attach: " + strings.TrimSpace(out.text()))
	}
	return nil, errors.Join(err, undo())
}
