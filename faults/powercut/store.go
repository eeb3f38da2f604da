package powercut

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os/exec"
	"strconv"
	"sync"
	"time"

	"voted/faults/layer"
	"voted/faults/loopfs"
)

const (
	storeMebibytes = 48
	// cutsPerStore is how many cuts one store lives through before a new one begins.
	cutsPerStore = 12
	// longestWrite bounds how long a writer is left alone, shortestWrite how short.
	shortestWrite, longestWrite = time.Millisecond, 60 * time.Millisecond
	storeWorkers                = 2
)

// storeCuts makes as many store cuts as the floor asks for.
func storeCuts(ctx context.Context, r *layer.Run, self string) error {
	turns := make(chan int)
	errs := make(chan error, storeWorkers)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var workers sync.WaitGroup
	for w := range storeWorkers {
		workers.Go(func() { // ends with turns
			for n := range turns {
				if _, err := oneStore(ctx, r, self, fmt.Sprintf("store-%d", w), n, r.Rand(fmt.Sprint("store ", n)), true); err != nil {
					errs <- err
					stop()
					return
				}
			}
		})
	}
	var err error
loop:
	for n := 0; n*cutsPerStore < r.Floor(kindStore); n++ {
		select {
		case turns <- n:
		case <-ctx.Done():
			err = ctx.Err()
			break loop
		}
	}
	close(turns)
	workers.Wait()
	select {
	case err = <-errs:
	default:
	}
	return err
}

// oneStore makes a store and cuts its power again and again. count: what is broken is
// a violation; otherwise it is a negative control, and only told.
func oneStore(ctx context.Context, r *layer.Run, self, name string, number int, dice *rand.Rand, count bool) (lost *broken, err error) {
	fs, err := loopfs.Make(r.Dir, name, storeMebibytes)
	if err != nil {
		return nil, err
	}
	defer func() {
		if cerr := fs.Close(); err == nil {
			err = cerr
		}
	}()
	p := newPromise()
	for cut := range cutsPerStore {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if count && r.Made()[kindStore] >= r.Floor(kindStore) {
			return nil, nil
		}
		before := p.total
		if err := cutWriter(ctx, fs, self, p, cut == 0, dice); err != nil {
			return nil, err
		}
		b, err := p.check(fs.Dir)
		if err != nil {
			return nil, err
		}
		if count {
			r.Fault(kindStore)
			r.Acknowledged(p.total - before)
		}
		if b == nil {
			continue
		}
		if count {
			r.Lost(b.lost, "store %d, cut %d: %s", number, cut, b.what)
		}
		return b, nil
	}
	return nil, nil
}

// cutWriter starts a writer, cuts its power and mounts the file system again.
func cutWriter(ctx context.Context, fs *loopfs.FS, self string, p *promise, first bool, dice *rand.Rand) error {
	cmd := exec.Command(self, WriterCommand, fs.Dir, strconv.FormatUint(dice.Uint64(), 10))
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	p.opened = false
	opened := make(chan struct{})
	heard := make(chan error, 1)
	go func() { heard <- listen(out, p, opened) }() // ends with the writer
	if !first {
		// The first writer of a store is cut at any moment, while it makes the store too.
		select {
		case <-opened:
		case <-ctx.Done():
		case <-time.After(10 * time.Second): // what it says when it ends will tell
		}
	}
	time.Sleep(shortestWrite + time.Duration(dice.Int64N(int64(longestWrite))))
	cutErr := fs.Cut()
	_ = cmd.Process.Kill() // it may have ended by itself
	err = <-heard
	_ = cmd.Wait() // it was killed
	if cutErr != nil {
		return cutErr
	}
	if err != nil {
		return err
	}
	return fs.PowerOn()
}

// listen hears the writer out. A last line without its end was never said.
func listen(out io.Reader, p *promise, opened chan<- struct{}) error {
	lines := bufio.NewReader(out)
	told := false
	var wrong error
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return wrong
		}
		if err := p.hear(line); err != nil && wrong == nil {
			wrong = err
		}
		if p.opened && !told {
			told = true
			close(opened)
		}
	}
}
