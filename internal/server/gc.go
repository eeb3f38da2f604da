package server

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Ballots lie in memory without pointers, so marking costs the same for any number of
// them. But a fixed GOGC of 100 would let a node with 10 million ballots hold as much
// garbage as ballots. So the head-room is kept about constant: large compared with a
// small heap, which would otherwise be collected too often, and a small part of a large
// heap.
//
// Polls, and the voters of open ballots, do have pointers and are marked in each
// collection. So the head-room grows with them: with a million polls and only 32 MiB of
// head-room a member would do little but collect garbage.
const (
	gcSmallHeap     = 128 << 20
	gcSmallHeadroom = 96 << 20
	gcLargeHeadroom = 32 << 20
	// gcScanShare: a third of what has to be scanned is added to the head-room.
	gcScanShare  = 3
	gcMinPercent = 4
	gcMaxPercent = 800
	gcEvery      = time.Second
)

// tuneGC sets the garbage collector's target by the live heap, until ctx ends. It does
// nothing if the operator has set GOGC in the environment.
func tuneGC(ctx context.Context) {
	if os.Getenv("GOGC") != "" {
		return
	}
	heap := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/gc/scan/heap:bytes"}}
	every := time.NewTicker(gcEvery)
	defer every.Stop()
	set := 0
	for {
		metrics.Read(heap)
		if percent := gcPercent(heap[0].Value.Uint64(), heap[1].Value.Uint64()); percent != set {
			debug.SetGCPercent(percent)
			set = percent
		}
		select {
		case <-every.C:
		case <-ctx.Done():
			return
		}
	}
}

// gcPercent returns GOGC for a live heap of so many bytes, some of which have to be
// scanned for pointers.
func gcPercent(live, scanned uint64) int {
	headroom := uint64(gcLargeHeadroom)
	if live < gcSmallHeap {
		headroom = gcSmallHeadroom
	}
	headroom = max(headroom, scanned/gcScanShare)
	return int(min(max(headroom*100/max(live, 1), gcMinPercent), gcMaxPercent))
}
