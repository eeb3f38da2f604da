package resources

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"voted/faults/rig"
)

const (
	idleCount = 10_000
	slowCount = 400
	// slowPace is the time from one byte of a slow sender to its next.
	slowPace = 500 * time.Millisecond
	// dialers is how many connections are opened at the same time.
	dialers = 16
	// dialTime bounds one dial: a node that takes no more connections lets clients wait.
	dialTime = 2 * time.Second
)

// errServed means that a node waited for slow senders longer than it may.
var errServed = errors.New("the node still waits for slow senders")

// crowd is many connections.
type crowd struct {
	mu    sync.Mutex
	conns []net.Conn // guarded by mu
}

func (c *crowd) add(conn net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.conns = append(c.conns, conn)
}

func (c *crowd) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, conn := range c.conns {
		_ = conn.Close()
	}
}

// connect opens n connections. The node may refuse up to half of them.
func connect(ctx context.Context, addr string, n int) (*crowd, error) {
	c := &crowd{}
	work := make(chan struct{}, n)
	for range n {
		work <- struct{}{}
	}
	close(work)
	var all sync.WaitGroup
	for range dialers {
		all.Go(func() {
			d := net.Dialer{Timeout: dialTime}
			for range work {
				if conn, err := d.DialContext(ctx, "tcp", addr); err == nil {
					c.add(conn)
				}
			}
		})
	}
	all.Wait()
	if len(c.conns) < n/2 {
		c.close()
		return nil, fmt.Errorf("only %d of %d connections could be opened: %w", len(c.conns), n, context.Cause(ctx))
	}
	return c, nil
}

// idleConnections opens ten thousand connections and sends nothing.
func idleConnections(ctx context.Context, c *rig.Cluster, node int) (func() error, error) {
	crowd, err := connect(ctx, c.Nodes[node].APIAddr, idleCount)
	if err != nil {
		return nil, err
	}
	return func() error {
		crowd.close()
		return nil
	}, nil
}

// slowSenders opens connections that send the head of a request, one byte at a time. undo
// returns errServed if the node has let most of them go on until then.
func slowSenders(ctx context.Context, c *rig.Cluster, node int) (func() error, error) {
	crowd, err := connect(ctx, c.Nodes[node].APIAddr, slowCount)
	if err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(ctx)
	alive := make([]bool, len(crowd.conns))
	var all sync.WaitGroup
	for i, conn := range crowd.conns {
		all.Go(func() { alive[i] = drip(ctx, conn) })
	}
	return func() error {
		stop()
		crowd.close()
		all.Wait()
		n := 0
		for _, a := range alive {
			if a {
				n++
			}
		}
		if n > len(alive)/2 {
			return fmt.Errorf("%w: %d of %d", errServed, n, len(alive))
		}
		return nil
	}, nil
}

// drip sends bytes until the node closes the connection or ctx ends. It reports whether it
// could go on until ctx ended.
func drip(ctx context.Context, conn net.Conn) bool {
	const head = "PUT /v1/polls/slow/ballots/v HTTP/1.1\r\nHost: localhost\r\nX-Padding: "
	tick := time.NewTicker(slowPace)
	defer tick.Stop()
	for i := 0; ; i++ {
		b := byte('p')
		if i < len(head) {
			b = head[i]
		}
		if _, err := conn.Write([]byte{b}); err != nil {
			return ctx.Err() != nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return true
		}
	}
}
