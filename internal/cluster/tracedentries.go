package cluster

import (
	"slices"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"

	"voted/internal/trace"
)

// tracedEntries are the entries under way that are traced: few, as few are sampled.
type tracedEntries struct {
	tracer *trace.Tracer // nil: there are none
	// appending is the span of the append under way; see Options.Appending.
	appending *atomic.Pointer[trace.Span]

	mu   sync.Mutex
	some []tracedEntry // guarded by mu
}

type tracedEntry struct {
	first *byte // of the entry's data, which raft hands to the store and the state as it was
	span  *trace.Span
}

func (t *tracedEntries) follow(span *trace.Span, entry []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.some = append(t.some, tracedEntry{&entry[0], span})
}

func (t *tracedEntries) forget(span *trace.Span) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.some = slices.DeleteFunc(t.some, func(e tracedEntry) bool { return e.span == span })
}

// part begins a part of what one of the entries' spans stands for.
func (t *tracedEntries) part(name string, logs ...*raft.Log) *trace.Span {
	if t.tracer == nil {
		return nil
	}
	return t.tracer.Start(t.find(logs), name, trace.Internal)
}

// find returns the span of one of the entries that are traced, nil if there is none.
func (t *tracedEntries) find(logs []*raft.Log) *trace.Span {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, e := range t.some {
		for _, l := range logs {
			if len(l.Data) > 0 && &l.Data[0] == e.first {
				return e.span
			}
		}
	}
	return nil
}

// begin and end enclose an append of the store.
func (t *tracedEntries) begin(logs []*raft.Log) *trace.Span {
	span := t.part("append", logs...)
	if span != nil {
		t.appending.Store(span)
	}
	return span
}

func (t *tracedEntries) end(span *trace.Span, err error) {
	if span != nil {
		t.appending.Store(nil)
		end(span, err)
	}
}
