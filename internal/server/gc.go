package server

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// Ballots lie in memory without pointers, so marking costs the same however many
// there are. What a fixed GOGC costs is head-room: with 100, a node with 10 million
// ballots could hold as much garbage as ballots. So the head-room is kept about
// constant: generous for a small heap, where collecting often is what costs, and a
// small part of a large one.
//
// What does have pointers (polls, and open ballots' voters) is marked each time, so
// the head-room grows with it: with a million polls and 32 MiB a member would do
// little else.
const (
	gcSmallHeap     = 128 << 20
	gcSmallHeadroom = 96 << 20
	gcLargeHeadroom = 32 << 20
	// gcScanShare of what has to be scanned is head-room too: a third.
	gcScanShare  = 3
	gcMinPercent = 4
	gcMaxPercent = 800
	gcEvery      = time.Second
)

// tuneGC sets the garbage collector's target by the live heap, until ctx ends. A GOGC
// in the environment is the operator's own choice and is left alone.
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
