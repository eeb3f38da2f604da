package client

import (
	"fmt"
	"io"
	"iter"
	"strconv"
	"sync"
)

// window holds the ballots of a bulk stream that have no answer yet, as the lines that
// were or will be sent: a resumed stream sends the same bytes. One goroutine fills it,
// the body of one connection at a time reads it, and the caller's goroutine removes
// lines as they are answered.
type window struct {
	mu       sync.Mutex
	changed  sync.Cond // lines came, the input ended, or it was closed
	room     sync.Cond // lines were answered, or it was closed
	head     *chunk    // holds the oldest unanswered line
	tail     *chunk    // takes the next line
	produced uint64    // lines that came
	answered uint64    // lines that were answered
	bytes    int       // in all chunks
	ended    bool      // no more lines will come
	err      error     // why the input ended early
	closed   bool      // answers are no longer wanted
}

// chunk is a run of lines in one buffer, part of a list.
type chunk struct {
	first  uint64 // lines before this chunk
	buf    []byte
	ends   []int // where each line ends in buf
	voters []string
	next   *chunk
}

func newChunk(first uint64) *chunk {
	return &chunk{first: first, buf: make([]byte, 0, bulkChunkBytes+1024)}
}

func newWindow() *window {
	w := &window{}
	w.changed.L, w.room.L = &w.mu, &w.mu
	w.head = newChunk(0)
	w.tail = w.head
	return w
}

// fill takes ballots until they end or the window closes.
func (w *window) fill(ballots iter.Seq[BulkBallot]) {
	var err error
	n := 0
	for b := range ballots {
		n++
		if b, err = b.checked(); err != nil {
			err = fmt.Errorf("ballot %d was not sent: %w", n, err)
			break
		}
		if !w.add(b) {
			break
		}
	}
	w.mu.Lock()
	w.ended, w.err = true, err
	w.mu.Unlock()
	w.changed.Broadcast()
}

// checked returns the ballot as it is sent.
func (b BulkBallot) checked() (BulkBallot, error) {
	if err := b.Ballot.check(); err != nil {
		return b, err
	}
	voter, err := canonical(b.Voter)
	b.Voter = voter
	return b, err
}

// add waits for room and appends a ballot. It returns false if the window is closed.
func (w *window) add(b BulkBallot) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	for !w.closed && (w.produced-w.answered >= maxUnansweredLines || w.bytes >= maxUnansweredBytes) {
		w.room.Wait()
	}
	if w.closed {
		return false
	}
	if len(w.tail.buf) >= bulkChunkBytes {
		w.tail.next = newChunk(w.produced)
		w.tail = w.tail.next
		w.drop()
	}
	t := w.tail
	before := len(t.buf)
	t.buf = append(appendString(append(t.buf, `{"voter":`...), b.Voter), ',')
	t.buf = b.Ballot.appendMember(t.buf)
	if b.IfVersion > 0 {
		t.buf = strconv.AppendUint(append(t.buf, `,"if_version":`...), b.IfVersion, 10)
	}
	t.buf = append(t.buf, '}', '\n')
	t.ends = append(t.ends, len(t.buf))
	t.voters = append(t.voters, b.Voter)
	w.bytes += len(t.buf) - before
	w.produced++
	w.changed.Broadcast()
	return true
}

// drop frees the chunks whose lines are all answered. The tail stays, to take more. The
// caller holds w.mu.
func (w *window) drop() {
	for w.head.next != nil && w.answered >= w.head.next.first {
		w.bytes -= len(w.head.buf)
		w.head = w.head.next
	}
}

// answer marks the oldest unanswered line as answered and returns its number,
// from 1, and its voter; not ok: there is none.
func (w *window) answer() (line uint64, voter string, ok bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.answered == w.produced {
		return 0, "", false
	}
	voter = w.head.voters[w.answered-w.head.first]
	w.answered++
	w.drop()
	w.room.Signal()
	return w.answered, voter, true
}

// windowState says what a connection has to do.
type windowState int

const (
	windowPending windowState = iota // lines wait for an answer
	windowDone                       // every line is answered, and no more come
	windowClosed                     // answers are no longer wanted
)

// await waits until there is something to send, or there never will be.
func (w *window) await() (windowState, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		switch {
		case w.closed:
			return windowClosed, nil
		case w.produced > w.answered:
			return windowPending, nil
		case w.ended:
			return windowDone, w.err
		}
		w.changed.Wait()
	}
}

// finished reports whether every line is answered and no more come.
func (w *window) finished() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended && w.produced == w.answered
}

func (w *window) answeredLines() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.answered
}

func (w *window) unanswered() uint64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.produced - w.answered
}

// close wakes all that wait.
func (w *window) close() {
	w.mu.Lock()
	w.closed = true
	w.mu.Unlock()
	w.changed.Broadcast()
	w.room.Broadcast()
}

// body returns a request body of the unanswered lines and all later ones.
func (w *window) body() *windowBody {
	w.mu.Lock()
	defer w.mu.Unlock()
	b := &windowBody{window: w, at: w.head}
	if n := w.answered - w.head.first; n > 0 {
		b.offset = w.head.ends[n-1]
	}
	return b
}

// windowBody sends a window's lines over one connection.
type windowBody struct {
	window *window

	at     *chunk // guarded by window.mu
	offset int    // in at, where the unsent lines begin; guarded by window.mu
	closed bool   // guarded by window.mu
}

// Read implements io.Reader. It waits for lines, and ends when the input has ended.
func (b *windowBody) Read(p []byte) (int, error) {
	w := b.window
	w.mu.Lock()
	defer w.mu.Unlock()
	for {
		switch {
		case b.closed || w.closed:
			return 0, io.ErrClosedPipe
		case b.offset < len(b.at.buf):
			n := copy(p, b.at.buf[b.offset:])
			b.offset += n
			return n, nil
		case b.at.next != nil:
			b.at, b.offset = b.at.next, 0
		case w.ended:
			return 0, io.EOF
		default:
			w.changed.Wait()
		}
	}
}

// Close implements io.Closer. A waiting Read returns.
func (b *windowBody) Close() error {
	b.window.mu.Lock()
	b.closed = true
	b.window.mu.Unlock()
	b.window.changed.Broadcast()
	return nil
}
