package server

import (
	"net"
	"sync"
	"sync/atomic"
)

// defaultConnections is what a node of ordinary size has file descriptors and
// memory for: an idle connection takes some 10 KiB, under TLS some 50 KiB.
const defaultConnections = 20_000

// door bounds the connections of the public port. One too many is closed at once:
// its client tries another node, while in a queue it would only wait.
type door struct {
	net.Listener
	limit int64
	open  atomic.Int64
}

func newDoor(l net.Listener, limit int) *door {
	if limit == 0 {
		limit = defaultConnections
	}
	return &door{Listener: l, limit: int64(limit)}
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if d.open.Add(1) <= d.limit {
			return &visitor{Conn: c, door: d}, nil
		}
		d.open.Add(-1)
		_ = c.Close() // nothing was said on it
	}
}

// visitor is a connection that is counted until it closes.
type visitor struct {
	net.Conn
	door *door
	once sync.Once
}

// Close implements net.Conn.
func (v *visitor) Close() error {
	v.once.Do(func() { v.door.open.Add(-1) })
	return v.Conn.Close()
}
