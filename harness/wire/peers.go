package wire

import (
	"errors"
	"fmt"
	"net"
	"sync"
)

// copyBytes is the most that is passed on at a time.
const copyBytes = 64 << 10

// Peers is a proxy in front of each member's peer port. The others know the member by the
// proxy's address. While a direction is cut its bytes are held back: connections stay
// open and nothing arrives until the direction is mended, as with lost packets that TCP
// sends again.
type Peers struct {
	members []*member
	// dialler returns the position of the member that dialled a connection, -1 if none
	// did. It has to be looked up, because all members dial the same address.
	dialler func(remote, local *net.TCPAddr) int

	mu      sync.Mutex      // guards what follows, except work
	changed chan struct{}   // closed and replaced at each change of cut
	cut     map[[2]int]bool // by the members that send and receive
	late    map[int]bool    // members whose bytes arrive late
	slow    map[int]bool    // members whose links are slow
	closed  bool
	work    sync.WaitGroup
}

// member is one proxied member.
type member struct {
	listen, target string

	mu       sync.Mutex   // guards listen and what follows
	listener net.Listener // nil while the member is down
	conns    map[net.Conn]struct{}
}

// NewPeers opens a proxy for each member: the one at listen[i] passes on to targets[i]. pid
// returns the process of a member by its position, 0 if it has none.
func NewPeers(listen, targets []string, pid func(member int) int) (*Peers, error) {
	p := &Peers{changed: make(chan struct{}), cut: map[[2]int]bool{}, late: map[int]bool{}, slow: map[int]bool{}}
	p.dialler = func(remote, local *net.TCPAddr) int {
		inode := socketInode(remote, local)
		for i := range p.members {
			if inode != "" && holds(pid(i), inode) {
				return i
			}
		}
		return -1
	}
	for i := range listen {
		p.members = append(p.members, &member{listen: listen[i], target: targets[i], conns: map[net.Conn]struct{}{}})
	}
	for i := range p.members {
		if err := p.Up(i); err != nil {
			p.Close()
			return nil, err
		}
	}
	return p, nil
}

// Up lets a member be reached: call it before its process starts.
func (p *Peers) Up(i int) error {
	m := p.members[i]
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listener != nil {
		return nil
	}
	l, err := net.Listen("tcp", m.listen)
	if err != nil {
		return fmt.Errorf("the proxy of a member cannot listen: %w", err)
	}
	m.listener = l
	p.work.Go(func() { p.serve(i, l) }) // ends with its listener
	return nil
}

// Down refuses connections to a member, as its machine does while no process listens. Call
// it just before the process is killed, or once it has ended. Connections under way end
// with the process.
func (p *Peers) Down(i int) {
	m := p.members[i]
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.listener != nil {
		_ = m.listener.Close()
		m.listener = nil
	}
}

// Move lets the others reach a member at another address. The member must be down.
func (p *Peers) Move(i int, addr string) {
	m := p.members[i]
	m.mu.Lock()
	defer m.mu.Unlock()
	m.listen = addr
}

// Isolate holds back what the other members send to one (in), what it sends to them
// (out), or both, until Mend.
func (p *Peers) Isolate(member int, in, out bool) error {
	p.change(func() {
		for other := range p.members {
			if other != member {
				p.cut[[2]int{other, member}] = in
				p.cut[[2]int{member, other}] = out
			}
		}
	})
	return nil
}

// CutPair holds back what two members send to each other, until Mend.
func (p *Peers) CutPair(a, b int) error {
	p.change(func() { p.cut[[2]int{a, b}], p.cut[[2]int{b, a}] = true, true })
	return nil
}

// Mend passes on what was held back, and ends delays and limits.
func (p *Peers) Mend() error {
	p.change(func() {
		clear(p.cut)
		clear(p.late)
		clear(p.slow)
	})
	return nil
}

func (p *Peers) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.changed)
	p.changed = make(chan struct{})
}

// Close ends all connections and waits for the goroutines.
func (p *Peers) Close() {
	p.change(func() { p.closed = true })
	for i, m := range p.members {
		p.Down(i)
		m.mu.Lock()
		for c := range m.conns {
			_ = c.Close()
		}
		m.mu.Unlock()
	}
	p.work.Wait()
}

func (p *Peers) serve(i int, l net.Listener) {
	for {
		c, err := l.Accept()
		if err != nil {
			return
		}
		p.work.Go(func() { p.relay(i, c) }) // ends with the connection
	}
}

// relay carries one connection to member i.
func (p *Peers) relay(i int, c net.Conn) {
	m := p.members[i]
	if !p.track(m, c) {
		return
	}
	defer m.drop(c)
	from := p.dialler(c.RemoteAddr().(*net.TCPAddr), c.LocalAddr().(*net.TCPAddr))
	// A connection whose dialler is unknown could not be cut: it is closed, and the
	// dialler tries again.
	if from < 0 || !p.pass(from, i) {
		return
	}
	back, err := net.Dial("tcp", m.target)
	if err != nil {
		return
	}
	if !p.track(m, back) {
		return
	}
	defer m.drop(back)
	var both sync.WaitGroup
	both.Go(func() { p.flow(back, c, from, i) })
	p.flow(c, back, i, from)
	both.Wait()
}

// track keeps a connection for Close to end, and reports whether it may be used: not if p
// is closed already.
func (p *Peers) track(m *member, c net.Conn) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		_ = c.Close()
		return false
	}
	m.conns[c] = struct{}{}
	return true
}

// drop ends a connection.
func (m *member) drop(c net.Conn) {
	_ = c.Close()
	m.mu.Lock()
	delete(m.conns, c)
	m.mu.Unlock()
}

// flow copies what one side sends, and closes the other side when it ends.
func (p *Peers) flow(dst, src net.Conn, from, to int) {
	buf := make([]byte, copyBytes)
	for {
		n, err := src.Read(buf)
		// The end of a connection is held back as well, as its bytes are.
		if !p.pass(from, to) {
			return
		}
		if n > 0 {
			p.linger(from, to, n)
			if _, werr := dst.Write(buf[:n]); werr != nil {
				err = errors.Join(err, werr)
			}
		}
		if err != nil {
			_, _ = dst.Close(), src.Close()
			return
		}
	}
}

// pass waits while a direction is cut, and reports whether bytes may pass then: not if the
// proxy is closing.
func (p *Peers) pass(from, to int) bool {
	for {
		p.mu.Lock()
		cut, closed, changed := p.cut[[2]int{from, to}], p.closed, p.changed
		p.mu.Unlock()
		if closed || !cut {
			return !closed
		}
		<-changed
	}
}
