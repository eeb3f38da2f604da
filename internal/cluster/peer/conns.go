package peer

import (
	"container/list"
	"net"
	"sync"
)

// conn is a connection that the port closes when it closes, with the byte that was read ahead to see what it is.
type conn struct {
	net.Conn          // TLS over raw, or raw; only its owner uses it
	raw      net.Conn // whoever takes it away from its owner closes this
	set      *connSet
	first    []byte // read ahead; only the one reader touches it
	id       string // the member at the other end, as its certificate says; written once, under set.mu
}

// Read gives the byte that was read ahead first.
func (c *conn) Read(b []byte) (int, error) {
	if len(c.first) > 0 && len(b) > 0 {
		n := copy(b, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

// Close closes the connection and forgets it.
func (c *conn) Close() error {
	c.set.remove(c)
	return c.Conn.Close()
}

// connSet knows all open connections.
type connSet struct {
	mu     sync.Mutex
	all    map[*conn]struct{} // under mu
	closed bool               // under mu
}

// add takes a connection in; when the set is closed already it closes it and returns nil.
func (s *connSet) add(raw net.Conn) *conn {
	c := &conn{Conn: raw, raw: raw, set: s}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = raw.Close()
		return nil
	}
	if s.all == nil {
		s.all = map[*conn]struct{}{}
	}
	s.all[c] = struct{}{}
	return c
}

func (s *connSet) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, c)
}

func (s *connSet) closeAll() {
	s.mu.Lock()
	all := s.all
	s.all, s.closed = nil, true
	s.mu.Unlock()
	for c := range all {
		_ = c.raw.Close()
	}
}

// connQueue hands accepted connections to a server as if it listened itself.
type connQueue struct {
	addr net.Addr
	ch   chan net.Conn
	done chan struct{}
	once sync.Once
}

func newConnQueue(addr net.Addr) *connQueue {
	return &connQueue{addr: addr, ch: make(chan net.Conn), done: make(chan struct{})}
}

// give hands c over, or closes it when nobody takes connections any more.
func (q *connQueue) give(c net.Conn) {
	select {
	case q.ch <- c:
	case <-q.done:
		_ = c.Close()
	}
}

// Accept implements net.Listener.
func (q *connQueue) Accept() (net.Conn, error) {
	select {
	case c := <-q.ch:
		return c, nil
	case <-q.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (q *connQueue) Close() error {
	q.once.Do(func() { close(q.done) })
	return nil
}

// Addr implements net.Listener.
func (q *connQueue) Addr() net.Addr { return q.addr }

// undecidedQueue holds the connections that have not said yet what they are, oldest first.
type undecidedQueue struct {
	mu    sync.Mutex
	order list.List // of *conn, under mu
}

// enter takes c in and drops the oldest when there are too many. leave must be called once c is decided.
func (q *undecidedQueue) enter(c *conn) (leave func()) {
	q.mu.Lock()
	defer q.mu.Unlock()
	place := q.order.PushBack(c)
	if q.order.Len() > maxUndecided {
		oldest := q.order.Remove(q.order.Front()).(*conn)
		_ = oldest.raw.Close()
	}
	return func() {
		q.mu.Lock()
		defer q.mu.Unlock()
		q.order.Remove(place) // does nothing when it was dropped
	}
}
