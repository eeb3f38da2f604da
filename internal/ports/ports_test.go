package ports

import (
	"net"
	"sync"
	"testing"
)

func TestBlocksAreDistinctBelowTheEphemeralRangeAndGuarded(t *testing.T) {
	t.Parallel()
	// Given many who choose at once,
	blocks := make([]*Block, 20)
	var all sync.WaitGroup
	for i := range blocks {
		all.Go(func() {
			b, err := Claim(Most)
			if err != nil {
				t.Error(err)
				return
			}
			t.Cleanup(b.Release)
			blocks[i] = b
		})
	}
	all.Wait()
	// then no port was given to two of them, and none that the kernel may give away.
	seen := map[int]bool{}
	for _, b := range blocks {
		if b == nil {
			continue // it has been reported
		}
		for port := b.First; port < b.First+Most; port++ {
			if seen[port] || port <= lowest || port >= ephemeralLow() {
				t.Errorf("port %d was chosen (twice: %v)", port, seen[port])
			}
			seen[port] = true
		}
	}
}

func TestABlockIsFreeAgainOnceReleased(t *testing.T) {
	t.Parallel()
	b, err := Claim(2)
	if err != nil {
		t.Fatal(err)
	}
	// Given a server at one of its ports,
	addrs := b.Addrs(2)
	l, err := net.Listen("tcp", addrs[1])
	if err != nil {
		t.Fatal(err)
	}
	first := b.First - 1
	// the block cannot be had while it is guarded, nor, once it is not, while the server is there.
	if _, err := claim(first, 2); err == nil {
		t.Error("a guarded block was given away")
	}
	b.Release()
	if _, err := claim(first, 2); err == nil {
		t.Error("a block was given away of which a port is taken")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	// Then it can.
	again, err := claim(first, 2)
	if err != nil {
		t.Fatal(err)
	}
	again.Release()
}

func TestTooManyPortsAreRefused(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, -1, Most + 1} {
		if _, err := Claim(n); err == nil {
			t.Errorf("%d ports were given", n)
		}
	}
}

func TestTheEphemeralRangeIsReadSensibly(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]int{
		"32768\t60999\n": 32768, "40000 50000": 40000, "": 32768, "1024 65535": 32768, "x y": 32768, "1": 32768,
	} {
		if got := parseRange(in); got != want {
			t.Errorf("parseRange(%q) = %d, want %d", in, got, want)
		}
	}
}
