package server

import (
	"net"
	"net/netip"
	"sync"

	"voted/internal/source"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// defaultConnections is what a node of ordinary size has file descriptors and
	// memory for: an idle connection takes about 10 KiB, under TLS about 50 KiB.
	defaultConnections = 20_000
	// addressShare is the part of all connections that one address may hold by default.
	addressShare = 4
)

// door bounds the connections of the public port, in total and for each address. A
// connection beyond a limit is closed at once: its client then tries another node, while
// in a queue it would only wait.
type door struct {
	net.Listener
	limit, each int
	// local is whether loopback addresses are bounded too: only if the operator gave the
	// bound, since all clients of a proxy on this machine share its address.
	local   bool
	refused *prometheus.CounterVec

	mu   sync.Mutex
	open int                // guarded by mu
	from map[netip.Addr]int // open ones by address, at most limit entries; guarded by mu
}

// newDoor bounds what a listener accepts; 0 means the default of either bound.
func newDoor(l net.Listener, limit, each int) *door {
	d := &door{Listener: l, limit: limit, each: each, local: each > 0, from: map[netip.Addr]int{}}
	if limit == 0 {
		d.limit = defaultConnections
	}
	if each == 0 {
		d.each = max(1, d.limit/addressShare)
	}
	d.refused = prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "voted_connections_refused_total", Help: "Connections of clients closed at once, by the limit that they were beyond: total or address.",
	}, []string{"limit"})
	for _, beyond := range []string{beyondTotal, beyondAddress} {
		d.refused.WithLabelValues(beyond) // shown from the start
	}
	return d
}

// The limits of a connection, as labels of the metric.
const beyondTotal, beyondAddress = "total", "address"

// show registers the door's metrics.
func (d *door) show(registry prometheus.Registerer) {
	registry.MustRegister(d.refused, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "voted_connections", Help: "Clients that are connected.",
	}, func() float64 { return float64(d.clients()) }))
}

// clients is how many are connected.
func (d *door) clients() uint64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	return uint64(d.open)
}

// Accept implements net.Listener.
func (d *door) Accept() (net.Conn, error) {
	for {
		c, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		address := source.Of(c.RemoteAddr().String())
		beyond := d.enter(address)
		if beyond == "" {
			return &visitor{Conn: c, door: d, address: address}, nil
		}
		d.refused.WithLabelValues(beyond).Inc()
		_ = c.Close() // nothing was sent on it
	}
}

// enter counts a connection, or returns the limit that it exceeds.
func (d *door) enter(address netip.Addr) (beyond string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case d.open >= d.limit:
		return beyondTotal
	case d.from[address] >= d.each && (d.local || !address.IsLoopback()):
		return beyondAddress
	}
	d.open++
	d.from[address]++
	return ""
}

func (d *door) leave(address netip.Addr) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.open--
	if d.from[address]--; d.from[address] == 0 {
		delete(d.from, address)
	}
}

// visitor is a connection that is counted until it closes.
type visitor struct {
	net.Conn
	door    *door
	address netip.Addr
	once    sync.Once
}

// Close implements net.Conn.
func (v *visitor) Close() error {
	v.once.Do(func() { v.door.leave(v.address) })
	return v.Conn.Close()
}
