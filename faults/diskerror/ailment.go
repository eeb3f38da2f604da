package diskerror

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"voted/faults/loopfs"
	"voted/internal/localcluster"
)

// ailment is something that a disk has.
type ailment struct {
	name string
	// begin makes the disk ill and returns what makes it well again, which is called
	// once, and before the node is waited for where it hangs.
	begin func(ctx context.Context, n *localcluster.Node, disk *loopfs.FS, dice *rand.Rand) (well func() error, err error)
	// lives: the node must go on. Otherwise it must end by itself; where it may live,
	// because the guard of free space came first, it must say that space is short.
	lives, mayLive bool
	// hangs: the node can only end once the disk is well.
	hangs bool
	// remount: the file system must be mounted anew once the node has ended.
	remount bool
	load    time.Duration
}

var ailments = []ailment{
	{name: "EIO at fsync", begin: failing, load: 2500 * time.Millisecond},
	{name: "full disk", begin: full, mayLive: true, load: 3 * time.Second},
	{name: "read-only disk", begin: readOnly, remount: true, load: 2500 * time.Millisecond},
	{name: "slow disk (20 fsyncs a second)", begin: slow, lives: true, load: 3 * time.Second},
	{name: "hanging disk", begin: hanging, hangs: true, load: 5 * time.Second},
}

// failing lets every fsync of each thread fail from the nth on.
func failing(ctx context.Context, n *localcluster.Node, _ *loopfs.FS, dice *rand.Rand) (func() error, error) {
	return tamper(ctx, n, fmt.Sprintf("fsync,fdatasync:error=EIO:when=%d+", 1+dice.IntN(3)))
}

// slow lets every fsync take 50 ms longer.
func slow(ctx context.Context, n *localcluster.Node, _ *loopfs.FS, _ *rand.Rand) (func() error, error) {
	return tamper(ctx, n, "fsync,fdatasync:delay_enter=50ms")
}

func full(_ context.Context, _ *localcluster.Node, disk *loopfs.FS, _ *rand.Rand) (func() error, error) {
	return disk.Fill(0)
}

func readOnly(_ context.Context, _ *localcluster.Node, disk *loopfs.FS, _ *rand.Rand) (func() error, error) {
	return func() error { return nil }, disk.ReadOnly(true)
}

func hanging(_ context.Context, _ *localcluster.Node, disk *loopfs.FS, _ *rand.Rand) (func() error, error) {
	return disk.Thaw, disk.Freeze()
}

const (
	attachTime = 10 * time.Second
	// attached is what strace says once it is there.
	attached = "attached"
)

// tamper has strace interfere with system calls of a running node.
func tamper(ctx context.Context, n *localcluster.Node, what string) (well func() error, err error) {
	cmd := exec.Command("strace", "-f", "-p", strconv.Itoa(n.Pid()), "-o", "/dev/null", "-e", "trace=fsync,fdatasync", "-e", "inject="+what)
	said := &herald{word: attached, heard: make(chan struct{})}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan struct{})
	go func() { // ends with strace, which ends with the node
		_ = cmd.Wait() // it is interrupted, or has nothing to trace any more
		close(ended)
	}()
	well = func() error {
		_ = cmd.Process.Signal(interrupt) // on this it lets go of the node
		select {
		case <-ended:
		case <-time.After(attachTime):
			_ = cmd.Process.Kill()
			<-ended
		}
		return nil
	}
	select {
	case <-said.heard:
		return well, nil
	case <-ended:
		return nil, errors.New("strace ends at once: " + strings.TrimSpace(said.text()))
	case <-ctx.Done():
		err = ctx.Err()
	case <-time.After(attachTime):
		err = errors.New("strace does not attach: " + strings.TrimSpace(said.text()))
	}
	return nil, errors.Join(err, well())
}
