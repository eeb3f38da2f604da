package replica

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"

	"github.com/hashicorp/raft"
)

// A leader's raft stores an entry and only then sends it, so a ballot waits for two disks,
// one after the other. writeBehind lets them work at the same time (Ongaro, "Consensus:
// Bridging Theory and Practice", section 10.2.1):
//
//	raft alone     leader's sync ──► send ──► follower's sync ──► answer ──► committed
//
//	write-behind   leader's sync ─────────────────────┐
//	               send ──► follower's sync ──► answer, held until both ──► committed
//
// Raft is told at once that its own disk has the entry. It cannot commit it by that alone
// while there is another voting member, and the answers of the others are held back
// (heldAnswers) until it is true. So what is committed is durable on the leader, and on
// enough others with it, as before. docs/adr/0046-the-leader-writes-behind.md has the
// proof, and writebehind_test.go and pin_test.go hold the parts of raft that it rests on.
//
// Only commands of a leader wait. Everything else is written before raft goes on, after
// all that waits:
//
//   - a configuration, since raft counts again as soon as it has stored one, perhaps in a
//     cluster of one voting member;
//   - the first entry of a leadership, so that nothing of an earlier one waits, and an
//     overtaken log is discarded;
//   - what a follower receives: it answers for its disk.
//
// After a leadership, entries may still wait. They are flushed before raft hears of
// another leader (passMessages): raft finds entries in its log that it takes for stored,
// and would acknowledge or apply them.
type writeBehind struct {
	Store
	self   raft.ServerID
	leads  atomic.Pointer[leadership] // nil before raft runs
	synced atomic.Uint64              // index up to which the log is on disk

	mu      sync.Mutex
	changed sync.Cond   // signals changes of all below
	waiting []*raft.Log // guarded by mu: not on disk yet, without holes
	bytes   int         // guarded by mu: of their data
	err     error       // guarded by mu: of the first write that failed; nothing is taken after it
	closing bool        // guarded by mu

	ended chan struct{} // closed when the writer has ended; nil before begin
}

// leadership is what writeBehind asks raft. Raft changes it only on the goroutine that
// stores the entries of a leader.
type leadership interface {
	State() raft.RaftState
	GetConfiguration() raft.ConfigurationFuture
}

// How much may wait for the leader's disk. If there is more, raft waits, as it would for
// the disk.
const (
	// maxWaiting is far more than the entries that members have under way at once
	// (entriesInFlight and commandsInFlight of submit).
	maxWaiting = 256
	// maxWaitingBytes is what a slow disk writes well within the store's stall limit, since
	// all that waits is one write.
	maxWaitingBytes = 16 << 20
)

func newWriteBehind(s Store, self string) *writeBehind {
	w := &writeBehind{Store: s, self: raft.ServerID(self)}
	w.changed.L = &w.mu
	return w
}

// begin notes how much of the log is on disk, and starts the writer, which close ends.
// Call it before raft starts. Waits that are not raft's own end with ctx.
func (w *writeBehind) begin(ctx context.Context) error {
	last, err := w.Store.LastIndex()
	if err != nil {
		return err
	}
	w.synced.Store(last)
	w.ended = make(chan struct{})
	context.AfterFunc(ctx, w.wake)
	go w.run()
	return nil
}

// waitWhileLeads lets entries wait from now on, whenever l leads.
func (w *writeBehind) waitWhileLeads(l leadership) { w.leads.Store(&l) }

// mayWait reports whether raft cannot commit these entries before another voting member
// has answered for them. Only the goroutine that stores them may ask.
func (w *writeBehind) mayWait(entries []*raft.Log) bool {
	l := w.leads.Load()
	if l == nil || (*l).State() != raft.Leader {
		return false
	}
	for _, e := range entries {
		if e.Type != raft.LogCommand && e.Type != raft.LogBarrier {
			return false
		}
	}
	// The newest configuration counts, committed or not.
	for _, s := range (*l).GetConfiguration().Configuration().Servers {
		if s.Suffrage == raft.Voter && s.ID != w.self {
			return true
		}
	}
	return false
}

// StoreLog implements raft.LogStore.
func (w *writeBehind) StoreLog(l *raft.Log) error { return w.StoreLogs([]*raft.Log{l}) }

// StoreLogs implements raft.LogStore.
func (w *writeBehind) StoreLogs(entries []*raft.Log) error {
	if len(entries) == 0 {
		return nil
	}
	if w.mayWait(entries) {
		return w.enqueue(entries)
	}
	if err := w.flush(context.Background()); err != nil {
		return err
	}
	return w.write(entries)
}

// enqueue lets entries wait for the writer.
func (w *writeBehind) enqueue(entries []*raft.Log) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for w.err == nil && (len(w.waiting) >= maxWaiting || w.bytes >= maxWaitingBytes) {
		w.changed.Wait()
	}
	if w.err != nil {
		return w.err
	}
	if w.closing {
		return raft.ErrRaftShutdown
	}
	if n := len(w.waiting); n > 0 && entries[0].Index != w.waiting[n-1].Index+1 {
		return fmt.Errorf("raft stores entry %d right after entry %d", entries[0].Index, w.waiting[n-1].Index)
	}
	w.waiting = append(w.waiting, entries...)
	w.bytes += sizeOf(entries)
	w.changed.Broadcast()
	return nil
}

func sizeOf(entries []*raft.Log) (size int) {
	for _, e := range entries {
		size += len(e.Data)
	}
	return size
}

// run writes all that waits, as one write each time, until the store is closed or a
// write fails.
func (w *writeBehind) run() {
	defer close(w.ended)
	for {
		batch := w.next()
		if len(batch) == 0 || w.write(batch) != nil {
			return
		}
		w.mu.Lock()
		w.waiting = append([]*raft.Log(nil), w.waiting[len(batch):]...)
		w.bytes -= sizeOf(batch)
		w.changed.Broadcast()
		w.mu.Unlock()
	}
}

// next returns what waits, as soon as something does. After close it returns what is left,
// and then nothing.
func (w *writeBehind) next() []*raft.Log {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.waiting) == 0 && !w.closing {
		w.changed.Wait()
	}
	return w.waiting[:len(w.waiting):len(w.waiting)]
}

// write stores entries on disk. Raft and the writer never call it at the same time: raft
// flushes first, and no one else makes entries wait.
func (w *writeBehind) write(entries []*raft.Log) error {
	err := w.Store.StoreLogs(entries)
	if err == nil {
		w.synced.Store(entries[len(entries)-1].Index)
		return nil
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.err == nil {
		w.err = err
	}
	w.changed.Broadcast()
	return err
}

func (w *writeBehind) wake() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed.Broadcast()
}

// durable waits until an entry that raft has stored is on disk. It returns an error if the
// entry cannot be written, or when ctx ends. ctx must be that of begin, or never end.
func (w *writeBehind) durable(ctx context.Context, index uint64) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.waiting) > 0 && w.waiting[0].Index <= index {
		if w.err != nil {
			return w.err
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		w.changed.Wait()
	}
	return nil
}

// flush waits until all that waits now is on disk; see durable.
func (w *writeBehind) flush(ctx context.Context) error {
	w.mu.Lock()
	last := uint64(0)
	if n := len(w.waiting); n > 0 {
		last = w.waiting[n-1].Index
	}
	w.mu.Unlock()
	return w.durable(ctx, last)
}

// assured returns an error if an entry that is about to be applied is not on disk here.
// That never happens while the proof holds.
func (w *writeBehind) assured(index uint64) error {
	if synced := w.synced.Load(); index > synced {
		return fmt.Errorf("log entry %d is committed, and this member's disk has the log up to %d only. "+
			"This is a fault of voted; please report it. The member stops, so that nothing is counted that it could lose; start it again", index, synced)
	}
	return nil
}

// count returns how many entries wait.
func (w *writeBehind) count() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.waiting)
}

// GetLog implements raft.LogStore. Entries that wait are read, too, since they are sent.
func (w *writeBehind) GetLog(index uint64, l *raft.Log) error {
	if e := w.find(index); e != nil {
		*l = *e
		return nil
	}
	return w.Store.GetLog(index, l) // an entry stops waiting only once it is there
}

// find returns an entry that waits; nil: it does not.
func (w *writeBehind) find(index uint64) *raft.Log {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.waiting) == 0 || index < w.waiting[0].Index {
		return nil
	}
	if i := index - w.waiting[0].Index; i < uint64(len(w.waiting)) {
		return w.waiting[i]
	}
	return nil
}

// ends returns the first and last index of what waits, zeros if nothing does.
func (w *writeBehind) ends() (first, last uint64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.waiting); n > 0 {
		return w.waiting[0].Index, w.waiting[n-1].Index
	}
	return 0, 0
}

// FirstIndex implements raft.LogStore.
func (w *writeBehind) FirstIndex() (uint64, error) {
	waits, _ := w.ends() // asked first: an entry may get onto the disk meanwhile, but does not leave it
	first, err := w.Store.FirstIndex()
	if first == 0 && err == nil {
		first = waits
	}
	return first, err
}

// LastIndex implements raft.LogStore.
func (w *writeBehind) LastIndex() (uint64, error) {
	if _, last := w.ends(); last != 0 {
		return last, nil
	}
	return w.Store.LastIndex()
}

// DeleteRange implements raft.LogStore. Entries that wait are written before they are
// deleted. There are such entries only if a leadership has just ended.
func (w *writeBehind) DeleteRange(lo, hi uint64) error {
	if err := w.durable(context.Background(), hi); err != nil {
		return err
	}
	synced := w.synced.Load()
	if err := w.Store.DeleteRange(lo, hi); err != nil {
		return err
	}
	if hi >= synced {
		// This changes nothing if the leader's writer was faster: then only a compacted
		// prefix is gone.
		w.synced.CompareAndSwap(synced, lo-1)
	}
	return nil
}

// close writes what waits and ends the writer. It waits no longer than ctx, since the disk
// may never answer. From then on entries are refused: raft may still run.
func (w *writeBehind) close(ctx context.Context) error {
	w.mu.Lock()
	w.closing = true
	w.changed.Broadcast()
	w.mu.Unlock()
	if w.ended == nil {
		return nil
	}
	select {
	case <-w.ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("the disk did not take the last log entries: %w", ctx.Err())
	}
}

// heldAnswers is raft's transport. A follower's success counts only once this member's own
// disk has the entries as well.
type heldAnswers struct {
	*inbound
	behind *writeBehind
	ctx    context.Context // of the replica
}

// AppendEntries implements raft.Transport.
func (h heldAnswers) AppendEntries(id raft.ServerID, target raft.ServerAddress, args *raft.AppendEntriesRequest, resp *raft.AppendEntriesResponse) error {
	err := h.inbound.AppendEntries(id, target, args, resp)
	if n := len(args.Entries); err == nil && resp.Success && n > 0 {
		err = h.behind.durable(h.ctx, args.Entries[n-1].Index)
	}
	return err
}

// AppendEntriesPipeline implements raft.Transport: there is none, whatever the network
// offers. Its answers would not be held back.
func (heldAnswers) AppendEntriesPipeline(raft.ServerID, raft.ServerAddress) (raft.AppendPipeline, error) {
	return nil, raft.ErrPipelineReplicationNotSupported
}
