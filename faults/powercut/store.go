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
	// A writer writes for shortestWrite, and up to longestWrite more, before it is cut.
	shortestWrite, longestWrite = time.Millisecond, 60 * time.Millisecond
	// openTime bounds how long a cut waits until the writer has opened its store.
	openTime = 10 * time.Second
	// storeWorkers is how many stores are cut at the same time.
	storeWorkers = 2
)

// storeCuts makes as many store cuts as the floor asks for. self is the path of this
// command, which is started as the writer.
func storeCuts(ctx context.Context, r *layer.Run, self string) error {
	numbers := make(chan int) // of the stores
	errs := make(chan error, storeWorkers)
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var workers sync.WaitGroup
	for w := range storeWorkers {
		workers.Go(func() { // ends with numbers
			for n := range numbers {
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
		case numbers <- n:
		case <-ctx.Done():
			err = ctx.Err()
			break loop
		}
	}
	close(numbers)
	workers.Wait()
	select {
	case err = <-errs:
	default:
	}
	return err
}

// oneStore makes a store and cuts its power cutsPerStore times, or until a promise is
// broken. With count, cuts count towards the floor and a broken promise is a violation.
// Without it they belong to the negative control, and a broken promise is only returned.
func oneStore(ctx context.Context, r *layer.Run, self, name string, number int, dice *rand.Rand, count bool) (broken *breach, err error) {
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
		broken, err := p.check(fs.Dir)
		if err != nil {
			return nil, err
		}
		if count {
			r.Fault(kindStore)
			r.Acknowledged(p.total - before)
		}
		if broken == nil {
			continue
		}
		if count {
			r.Lost(broken.lost, "store %d, cut %d: %s", number, cut, broken.what)
		}
		return broken, nil
	}
	return nil, nil
}

// cutWriter starts a writer, cuts the power of its disk and mounts the disk again. p gets
// what the writer has acknowledged. first: the store is new, and may be cut while the
// writer makes it.
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
	read := make(chan error, 1)
	go func() { read <- readLines(out, p, opened) }() // ends with the writer
	if !first {
		select {
		case <-opened:
		case <-ctx.Done():
		case <-time.After(openTime): // the check after the cut will show what is wrong
		}
	}
	time.Sleep(shortestWrite + time.Duration(dice.Int64N(int64(longestWrite))))
	cutErr := fs.Cut()
	_ = cmd.Process.Kill() // it may have ended by itself
	err = <-read
	_ = cmd.Wait() // its error is that it was killed
	if cutErr != nil {
		return cutErr
	}
	if err != nil {
		return err
	}
	return fs.PowerOn()
}

// readLines adds each line of the writer to p until the writer has ended, and closes
// opened once the store is open. A last line without its end does not count. The error is
// that of the first line that p does not accept.
func readLines(out io.Reader, p *promise, opened chan<- struct{}) error {
	lines := bufio.NewReader(out)
	closed := false
	var wrong error
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return wrong
		}
		if err := p.add(line); err != nil && wrong == nil {
			wrong = err
		}
		if p.opened && !closed {
			closed = true
			close(opened)
		}
	}
}
