package peer

import (
	"container/list"
	"net"
	"sync"
)

// conn is a connection that the port closes when the port closes. It holds the byte
// that was read ahead to find its kind.
type conn struct {
	net.Conn          // TLS over raw, or raw; only its owner uses it
	raw      net.Conn // closed to take the connection away from its owner
	set      *connSet
	first    []byte // read ahead; used only by the one reader
	id       string // the member at the other end, as its certificate says; written once, guarded by set.mu
	cluster  string // the other end's, as its greeting says; "" for none yet; written before the connection is passed on
}

// Read returns the byte that was read ahead first.
func (c *conn) Read(b []byte) (int, error) {
	if len(c.first) > 0 && len(b) > 0 {
		n := copy(b, c.first)
		c.first = c.first[n:]
		return n, nil
	}
	return c.Conn.Read(b)
}

// Close closes the connection and removes it from the set.
func (c *conn) Close() error {
	c.set.remove(c)
	return c.Conn.Close()
}

// connSet holds all open connections.
type connSet struct {
	mu     sync.Mutex
	all    map[*conn]struct{} // guarded by mu
	closed bool               // guarded by mu
}

// add adds a connection. If the set is closed already, it closes the connection and
// returns nil.
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

// connQueue passes accepted connections to a server, as its listener.
type connQueue struct {
	addr net.Addr
	ch   chan net.Conn
	done chan struct{}
	once sync.Once
}

func newConnQueue(addr net.Addr) *connQueue {
	return &connQueue{addr: addr, ch: make(chan net.Conn), done: make(chan struct{})}
}

// give passes c on, or closes it if the queue is closed.
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

// undecidedQueue holds the connections whose kind is not known yet, oldest first.
type undecidedQueue struct {
	mu    sync.Mutex
	order list.List // of *conn, guarded by mu
}

// enter adds c and drops the oldest if there are too many. The caller must call leave
// as soon as the kind of c is known.
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
		q.order.Remove(place) // does nothing if it was dropped
	}
}
