// Package ports chooses ports on loopback for servers that start later, or come back.
//
// A port that was free a moment ago may be taken by the time it is needed: by another
// test that looked at the same moment, or by the kernel for an outgoing connection. So
// ports are chosen below the kernel's range, in blocks. A block is guarded while it is in
// use: this process listens on its first port, and all users of this package, in any
// process, then avoid the whole block.
package ports

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"strings"
)

const (
	// Most is how many ports a block has besides its guard.
	Most = blockPorts - 1

	// blockPorts is the size of the aligned blocks.
	blockPorts = 32
	// lowest is above the ports of well-known services.
	lowest = 15000
	// tries bounds the search; if a third of all blocks is taken, it fails once in 10^30.
	tries = 64
)

// Block is ports next to each other that belong to the caller until Release.
type Block struct {
	First int // the lowest of them
	guard net.Listener
}

// Claim reserves n free ports, from 1 to Most. Release them after use.
func Claim(n int) (*Block, error) {
	if n < 1 || n > Most {
		return nil, fmt.Errorf("%d ports cannot be had at once, only 1 to %d", n, Most)
	}
	blocks := (ephemeralLow() - lowest) / blockPorts
	var last error
	for range tries {
		b, err := claim(lowest+rand.IntN(blocks)*blockPorts, n)
		if err == nil {
			return b, nil
		}
		last = err
	}
	return nil, fmt.Errorf("no free ports were found on loopback: %w", last)
}

func claim(first, n int) (*Block, error) {
	guard, err := net.Listen("tcp", loopback(first))
	if err != nil {
		return nil, err
	}
	b := &Block{First: first + 1, guard: guard}
	for i := range n {
		if err := Probe(b.First + i); err != nil {
			b.Release()
			return nil, err
		}
	}
	return b, nil
}

// Addr returns host:port of the port that lies i above the first.
func (b *Block) Addr(i int) string { return loopback(b.First + i) }

// Addrs returns host:port of the first n ports.
func (b *Block) Addrs(n int) []string {
	addrs := make([]string, n)
	for i := range addrs {
		addrs[i] = b.Addr(i)
	}
	return addrs
}

// Release lets others have the block.
func (b *Block) Release() { _ = b.guard.Close() } // nothing was ever accepted

// Probe returns nil if a port of loopback is free, or why it is not.
func Probe(port int) error {
	l, err := net.Listen("tcp", loopback(port))
	if err != nil {
		var op *net.OpError
		if errors.As(err, &op) {
			return op.Err
		}
		return err
	}
	return l.Close()
}

func loopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// ephemeralLow returns the lowest port that the kernel gives to outgoing connections.
func ephemeralLow() int {
	data, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		data = nil // not Linux, or hidden: take what Linux has by default
	}
	return parseRange(string(data))
}

// parseRange reads "low high" and returns low. If that cannot be read, or is too low to
// leave enough ports below, it returns Linux's default, which also lies below what other
// systems use (49152, RFC 6335, section 6).
func parseRange(s string) int {
	const byDefault = 32768
	fields := strings.Fields(s)
	if len(fields) != 2 {
		return byDefault
	}
	low, err := strconv.Atoi(fields[0])
	if err != nil || low < lowest+tries*blockPorts {
		return byDefault
	}
	return low
}
